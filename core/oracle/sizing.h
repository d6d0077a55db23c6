#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rung::oracle {

/// A matrix [out, in] of a model.
struct SizedMatrix {
  /// Where it is, in the order of a pass.
  enum class Part { embedding, attention, router, feed_forward, output };
  Part part = Part::embedding;
  std::int64_t out = 0, in = 0;
  std::int64_t expert = -1;  ///< which one it belongs to; −1: every token meets it
};

/// The dimensions that decide a model's size.
struct SizedShape {
  std::int64_t layers = 1, hidden = 1, heads = 1, kv_heads = 1, head_dim = 1, feed_forward = 1, vocab = 1;
  bool tied = false;
  std::int64_t experts = 0, used = 0;  ///< 0: a dense model
};

/// Every matrix of the model, one by one.
std::vector<SizedMatrix> matrices_of(const SizedShape& shape);

/// Mean number of experts that at least one of `rows` tokens picks, each `used` different ones of `experts` at random:
/// from the chance of every count of touched experts after each row.
double touched_experts(std::int64_t experts, std::int64_t used, std::int64_t rows);

}  // namespace rung::oracle
