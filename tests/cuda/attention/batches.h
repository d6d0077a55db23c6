#pragma once

// Ragged batches of sequences for the attention kernels, and what the oracle says of them.

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check/number_type.h"
#include "core/check/random.h"
#include "core/oracle/attention.h"
#include "cuda/attention/call.h"

namespace rung::cuda {

/// What the sequences of a batch have in common.
struct BatchShape {
  int heads, kv_heads, head_dim;
  bool causal = true;
  int window = 0;
  int gap = 0;  ///< numbers between the vectors of a head; differs by array
  float deviation_of_queries = 1;
};

template <typename T>
constexpr check::NumberType number_type() {
  if constexpr (std::is_same_v<T, float>) return check::NumberType::f32;
  if constexpr (std::is_same_v<T, __half>) return check::NumberType::f16;
  return check::NumberType::bf16;
}

/// Results: out [rows, heads, head_dim] and log-sum-exps [rows, heads].
struct Attended {
  std::vector<double> out, lse;
};

/// A batch with drawn numbers. What belongs to no key of a sequence is NaN.
template <typename T>
class Batch {
 public:
  Batch(std::vector<AttentionSequence> sequences, const BatchShape& common)
      : sequences_(std::move(sequences)), common_(common) {
    for (const AttentionSequence& one : sequences_) {
      rows_ = std::max(rows_, one.first_row + one.rows);
      most_rows_ = std::max(most_rows_, one.rows);
      most_keys_ = std::max(most_keys_, one.keys);
      slots_ = std::max(slots_, one.first_slot + (one.ring > 0 ? one.ring : one.keys));
    }
    check::Random random(15);
    const T nan = from_float<T>(NAN);
    const auto drawn = [&](int vectors, int heads, int stride) {
      return std::vector<T>(static_cast<std::size_t>(vectors) * heads * stride, nan);
    };
    const auto fill = [&](std::vector<T>& numbers, std::size_t vector, int stride, float deviation = 1) {
      for (int d = 0; d < common_.head_dim; ++d)
        numbers[vector * stride + d] = from_float<T>(deviation * static_cast<float>(random.normal()));
    };
    q_ = drawn(rows_, common.heads, stride(0));
    k_ = drawn(slots_, common.kv_heads, stride(1));
    v_ = drawn(slots_, common.kv_heads, stride(2));
    for (const AttentionSequence& one : sequences_) {
      for (int i = 0; i < one.rows * common.heads; ++i)
        fill(q_, static_cast<std::size_t>(one.first_row) * common.heads + i, stride(0),
             common.deviation_of_queries);
      // A ring remembers its newest positions alone.
      for (int key = one.ring > 0 ? std::max(one.keys - one.ring, 0) : 0; key < one.keys; ++key) {
        for (int head = 0; head < common.kv_heads; ++head) {
          fill(k_, static_cast<std::size_t>(slot(one, key)) * common.kv_heads + head, stride(1));
          fill(v_, static_cast<std::size_t>(slot(one, key)) * common.kv_heads + head, stride(2));
        }
      }
    }
  }

  /// By rung `number` of the ladder.
  Attended by(int number) const {
    return by([number](auto... arguments) { attention_by(number, arguments...); });
  }

  /// By a host function of a kernel.
  template <typename Kernel>
  requires std::invocable<Kernel, const T*, const T*, const T*, T*, float*, AttentionShape> Attended
  by(Kernel kernel)
  const {
    const simt::device_buffer<T> q(std::span<const T>{q_}), k(std::span<const T>{k_}),
        v(std::span<const T>{v_});
    const simt::device_buffer<AttentionSequence> sequences(std::span<const AttentionSequence>{sequences_});
    const std::size_t out_size = static_cast<std::size_t>(rows_) * common_.heads * stride(3);
    simt::device_buffer<T> out(std::vector<T>(out_size, from_float<T>(NAN)));
    simt::device_buffer<float> lse(std::vector<float>(static_cast<std::size_t>(rows_) * common_.heads, NAN));
    kernel(q.data(), k.data(), v.data(), out.data(), lse.data(),
           AttentionShape{.of_sequence = sequences.data(),
                          .sequences = static_cast<int>(sequences_.size()),
                          .most_rows = most_rows_,
                          .most_keys = most_keys_,
                          .rows = rows_,
                          .heads = common_.heads,
                          .kv_heads = common_.kv_heads,
                          .head_dim = common_.head_dim,
                          .causal = common_.causal,
                          .window = common_.window,
                          .scale = scale(),
                          .q_stride = stride(0),
                          .k_stride = stride(1),
                          .v_stride = stride(2),
                          .out_stride = stride(3)});
    simt::synchronize();
    Attended result;
    const std::vector<T> numbers = out.download();
    for (std::size_t vector = 0; vector < static_cast<std::size_t>(rows_) * common_.heads; ++vector) {
      for (int d = 0; d < common_.head_dim; ++d)
        result.out.push_back(static_cast<double>(to_float(numbers[vector * stride(3) + d])));
    }
    for (const float one : lse.download()) result.lse.push_back(static_cast<double>(one));
    return result;
  }

  /// By the oracle, sequence by sequence.
  Attended by_oracle() const {
    Attended result;
    result.out.assign(static_cast<std::size_t>(rows_) * common_.heads * common_.head_dim, NAN);
    result.lse.assign(static_cast<std::size_t>(rows_) * common_.heads, NAN);
    for (const AttentionSequence& one : sequences_) {
      std::vector<double> q, k, v;
      const auto add = [&](std::vector<double>& to, const std::vector<T>& from, std::size_t vector,
                           int stride) {
        for (int d = 0; d < common_.head_dim; ++d)
          to.push_back(static_cast<double>(to_float(from[vector * stride + d])));
      };
      for (int i = 0; i < one.rows * common_.heads; ++i)
        add(q, q_, static_cast<std::size_t>(one.first_row) * common_.heads + i, stride(0));
      for (int i = 0; i < one.keys * common_.kv_heads; ++i) {
        const int at = slot(one, i / common_.kv_heads) * common_.kv_heads + i % common_.kv_heads;
        add(k, k_, at, stride(1));
        add(v, v_, at, stride(2));
      }
      std::vector<double> out(q.size());
      std::vector<double> lse(static_cast<std::size_t>(one.rows) * common_.heads);
      oracle::attention(
          {.T = one.rows, .S = one.keys, .H = common_.heads, .G = common_.kv_heads, .D = common_.head_dim},
          {.causal = common_.causal,
           .window = common_.window > 0 ? std::optional<std::int64_t>(common_.window) : std::nullopt,
           .first_position = one.past},
          static_cast<double>(scale()), q, k, v, out, lse);
      std::ranges::copy(out, result.out.begin() + one.first_row * common_.heads * common_.head_dim);
      std::ranges::copy(lse, result.lse.begin() + one.first_row * common_.heads);
    }
    return result;
  }

 private:
  int stride(int array) const { return common_.head_dim + (common_.gap > 0 ? common_.gap + array : 0); }
  float scale() const { return 1 / std::sqrt(static_cast<float>(common_.head_dim)); }
  static int slot(const AttentionSequence& one, int position) {
    return one.first_slot + (one.ring > 0 ? position % one.ring : position);
  }

  std::vector<AttentionSequence> sequences_;
  BatchShape common_;
  int rows_ = 0, most_rows_ = 0, most_keys_ = 0, slots_ = 0;
  std::vector<T> q_, k_, v_;
};

}  // namespace rung::cuda
