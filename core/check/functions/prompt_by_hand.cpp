#include "core/check/functions/prompt_by_hand.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/check/functions/kernel_check.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

/// A small number that depends on all three, and on no two of them alone.
double made_up(std::int64_t a, std::int64_t b, std::int64_t c) {
  return static_cast<double>((a * 7 + b * 3 + c * 5 + a * c % 11 + b * c % 5) % 9 - 4) / 4;
}

/// exp as fp32 has it: 0 where half of the smallest number is too much, and an infinity above.
double exp_of(double x) {
  if (x > 88.72) return std::numeric_limits<double>::infinity();
  return x < -103.97 ? 0 : std::exp(x);
}

/// One query of one head.
class Row {
 public:
  Row(const PromptInput& input, const PromptHabits& habits, std::int64_t row, std::int64_t head)
      : input_(input),
        habits_(habits),
        row_(row),
        query_(row * input.heads + head),
        head_(habits.kv_head_modulo        ? head % input.kv_heads
              : habits.kv_head_over_groups ? head / input.kv_heads
                                           : head / (input.heads / input.kv_heads)) {}

  /// Softmax and values, `tile` keys at a time, from key `first` of its block's to `end` − 1.
  /// @param lane  of a warp, if its own numbers alone are multiplied
  Numbers result(const Numbers& q, const Numbers& k, const Numbers& v, std::int64_t first, std::int64_t end,
                 std::int64_t tile, std::optional<std::int64_t> lane = {}) {
    const auto [seen_first, seen_end] = keys_seen(input_, habits_, row_);
    std::array<double, 4> max{}, sums{};  // of four lanes
    max.fill(habits_.max_starts_at_zero ? 0 : nothing);
    Numbers result(static_cast<std::size_t>(input_.head_dim), 0);
    for (std::int64_t start = first; habits_.last_tile_dropped ? start + tile <= end : start < end;
         start += tile) {
      Numbers scores;
      scores.reserve(static_cast<std::size_t>(tile));
      std::array<double, 4> new_max = max;
      for (std::int64_t key = start; key < start + tile; ++key) {
        const double own = key < end ? score(q, k, key, lane) : 0;  // behind the end tiles are filled up
        const bool behind = habits_.causal_ignored && habits_.in_mask_alone
                                ? key >= end && !habits_.end_unmasked
                                : key >= seen_end;
        const bool masked = key < seen_first || behind;
        scores.push_back(masked ? habits_.masked_score : own);
        for (std::int64_t l = 0; l < 4; ++l) {
          if (!habits_.own_lane_max || (key - start) % 4 == l)
            raise(new_max[static_cast<std::size_t>(l)], max[static_cast<std::size_t>(l)],
                  habits_.masked_after_max ? own : scores.back());
        }
      }
      std::array<double, 4> base{}, rescale{};
      for (std::size_t l = 0; l < 4; ++l) {
        base[l] = new_max[l] == nothing && !habits_.infinity_unguarded ? 0 : new_max[l];
        rescale[l] = exp_of(max[l] - base[l]);
        sums[l] *= habits_.sum_not_rescaled ? 1 : rescale[l];
      }
      max = new_max;
      for (std::size_t d = 0; d < result.size(); ++d) {
        const bool first_of_lane = d < (tile == 1 ? 32 : 4);
        if (habits_.result_not_rescaled || (habits_.first_rescaled_alone && !first_of_lane)) continue;
        result[d] *= rescale[d % 4];
      }
      for (std::int64_t j = 0; j < tile; ++j) {
        const double weight =
            exp_of(scores[static_cast<std::size_t>(j)] - base[static_cast<std::size_t>(j % 4)]);
        sums[static_cast<std::size_t>(j % 4)] += weight;
        if (start + j >= end) continue;
        for (std::int64_t d = 0; d < first_of(habits_.stored); ++d)
          result[static_cast<std::size_t>(d)] += weight * number(v, start + j, d);
      }
    }
    for (std::size_t d = 0; d < result.size(); ++d) {
      const double sum = habits_.own_lane_sum ? sums[d % 4] : sums[0] + sums[1] + sums[2] + sums[3];
      if (habits_.not_divided) continue;
      if (habits_.tail_untouched && static_cast<std::int64_t>(d) >= first_of(habits_.stored)) {
        result[d] = KernelOutcome::untouched;
        continue;
      }
      result[d] = habits_.sum_unguarded || sum > 0 ? result[d] / sum : 0;
    }
    return result;
  }

  /// Whether a number outside an array was asked for.
  bool outside() const { return outside_; }

 private:
  static constexpr double nothing = -std::numeric_limits<double>::infinity();

  const PromptInput& input_;
  const PromptHabits& habits_;
  std::int64_t row_, query_, head_;
  bool outside_ = false;

  void raise(double& max, double before, double score) const {
    if (habits_.first_max_kept && before != nothing) return;
    max = std::max(max, score);
  }
  double score(const Numbers& q, const Numbers& k, std::int64_t key, std::optional<std::int64_t> lane) {
    double dot = 0;
    for (std::int64_t d = lane.value_or(0); d < first_of(habits_.scored); d += lane ? 32 : 1)
      dot += q[at(query_, d)] * number(k, key, d);
    return dot * (habits_.scale_left_out ? 1 : input_.scale()) * (habits_.scale_twice ? input_.scale() : 1);
  }
  std::int64_t first_of(std::int64_t multiple) const { return input_.head_dim / multiple * multiple; }
  /// Of keys or values; a head that is not there may lie behind the end.
  double number(const Numbers& numbers, std::int64_t key, std::int64_t d) {
    const std::size_t place = at(key * input_.kv_heads + head_, d);
    outside_ = outside_ || place >= numbers.size();
    return outside_ ? 0 : numbers[place];
  }
  std::size_t at(std::int64_t vector, std::int64_t d) const {
    return static_cast<std::size_t>(vector * input_.head_dim + d);
  }
};

}  // namespace

std::pair<std::int64_t, std::int64_t> keys_seen(const PromptInput& input, const PromptHabits& habits,
                                                std::int64_t row) {
  const std::int64_t position = (habits.past_dropped ? 0 : input.past) + row;
  const std::int64_t last = habits.filling_seen ? input.keys() + 1 : input.keys();
  const std::int64_t end = habits.causal_ignored
                               ? input.keys()
                               : std::clamp<std::int64_t>(position + 1 + habits.causal_shift, 0, last);
  const std::int64_t window =
      input.window > 0 && !habits.window_ignored ? input.window + habits.window_shift : 0;
  return {window > 0 ? std::clamp<std::int64_t>(position - window + 1, 0, end) : 0, end};
}

KernelOutcome attended(const PromptInput& input, const PromptHabits& habits, std::int64_t block,
                       std::int64_t tile) {
  const Numbers q = input.q();
  const Numbers k = input.k();
  const Numbers v = input.v();
  PromptHabits of_block = habits;
  if (habits.in_mask_alone) of_block = {};
  KernelOutcome outcome;
  for (std::int64_t row = 0; row < input.rows; ++row) {
    const std::int64_t last = std::min(row / block * block + block, input.rows) - 1;
    const std::int64_t first = keys_seen(input, of_block, row / block * block).first;
    const std::int64_t end = keys_seen(input, of_block, last).second;
    for (std::int64_t head = 0; head < input.heads; ++head) {
      Row one(input, habits, row, head);
      Numbers of_head;
      if (habits.lane_alone) {
        of_head.resize(static_cast<std::size_t>(input.head_dim));
        for (std::int64_t lane = 0; lane < std::min<std::int64_t>(input.head_dim, 32); ++lane) {
          const Numbers of_lane = one.result(q, k, v, first, end, tile, lane);
          for (auto d = static_cast<std::size_t>(lane); d < of_head.size(); d += 32) of_head[d] = of_lane[d];
        }
      } else {
        of_head = one.result(q, k, v, first, end, tile);
      }
      if (one.outside()) return faulty(KernelFault::out_of_bounds);
      outcome.numbers.insert(outcome.numbers.end(), of_head.begin(), of_head.end());
    }
  }
  return outcome;
}

std::vector<double> PromptInput::q() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(rows * heads * head_dim));
  for (std::int64_t vector = 0; vector < rows * heads; ++vector) {
    // Number 0 carries lift and rise.
    for (std::int64_t d = 0; d < head_dim; ++d)
      numbers.push_back(d == 0 ? 1 : factor * made_up(vector / heads, vector % heads, d));
  }
  return numbers;
}

std::vector<double> PromptInput::k() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(keys() * kv_heads * head_dim));
  for (std::int64_t vector = 0; vector < keys() * kv_heads; ++vector) {
    const std::int64_t key = vector / kv_heads;
    const double added = (lift + rise * static_cast<double>(key)) / scale();
    for (std::int64_t d = 0; d < head_dim; ++d) {
      numbers.push_back(d == 0 ? added : made_up(key + 3, vector % kv_heads + 5, d));
    }
  }
  return numbers;
}

std::vector<double> PromptInput::v() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(keys() * kv_heads * head_dim));
  for (std::int64_t vector = 0; vector < keys() * kv_heads; ++vector) {
    for (std::int64_t d = 0; d < head_dim; ++d)
      numbers.push_back(made_up(vector / kv_heads + 6, vector % kv_heads + 1, d) +
                        static_cast<double>(vector % 5));
  }
  return numbers;
}

}  // namespace rung::check
