#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// Chapter 04's skeleton with parts that tell how they are called: what it takes, and its check.

namespace rung::check {

/// One forward pass of a model of two layers: a sequence from position 0 on, token t % vocab at position t.
struct SkeletonInput {
  static constexpr int layers = 2;
  static constexpr std::int64_t hidden = 4, heads = 2, kv_heads = 1, head_dim = 2, vocab = 3;
  static constexpr double norm_eps = 0.5;
  std::vector<bool> wants;  ///< of each row, whether it wants logits
  bool traced = true;       ///< whether there is a trace
};

/// What a pass showed from outside.
struct SkeletonFacts {
  std::vector<int> attention_layers;      ///< of each call of the attention
  std::vector<std::int64_t> output_rows;  ///< of each call of the output matrix
  std::vector<std::int64_t> norm_rows;    ///< of what the trace saw as `norm`
  std::vector<std::int64_t> logits_rows;  ///< of what the trace saw as `logits`
  std::int64_t rows = 0, columns = 0;     ///< of the logits
  std::vector<double> logits;             ///< [rows, columns]
  friend bool operator==(const SkeletonFacts&, const SkeletonFacts&) = default;
};

/// The model's weights, whole eighths.
enum class SkeletonWeight { embedding, attention_norm, q, k, v, o, feed_forward_norm, norm, output };
/// One of them, [rows, columns]; a norm's is [1, hidden].
struct SkeletonMatrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values;
};
/// @param layer  ignored for what is not a layer's
SkeletonMatrix skeleton_weight(SkeletonWeight which, int layer);

/// What stands for attention there: number j of a row's result.
/// @param q     the row's queries, heads · head_dim
/// @param k, v  its own key and value, kv_heads · head_dim
template <typename Numbers>
auto skeleton_attention(const Numbers& q, const Numbers& k, const Numbers& v, std::int64_t j) {
  constexpr std::int64_t width = SkeletonInput::kv_heads * SkeletonInput::head_dim;
  return q[j] + k[j % width] - 2 * v[j % width];
}
/// What stands for a layer's feed-forward part: number j of a row's result.
template <typename Numbers>
auto skeleton_feed_forward(const Numbers& x, int layer, std::int64_t j) {
  return x[(j + 1) % SkeletonInput::hidden] / 2 + static_cast<decltype(x[j] / 2)>(layer + 1);
}

/// How often, on how many rows and for which layers the skeleton calls its parts, and what comes of it.
FunctionCheck<SkeletonInput, SkeletonFacts> skeleton_check();

}  // namespace rung::check
