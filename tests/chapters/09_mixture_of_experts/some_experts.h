#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "chapters/04_transformer/swiglu.h"
#include "chapters/09_mixture_of_experts/mixture.h"

// Mixtures out of numbers that are made here.

namespace rung::testing {

/// Without a pattern, in [-1, 1), and exact in fp32; tests/golden/make_routing_goldens.py makes the same.
inline Matrix scattered_numbers(Eigen::Index rows, Eigen::Index columns, std::int64_t seed) {
  Matrix matrix(rows, columns);
  for (std::int64_t i = 0; i < matrix.size(); ++i) {
    const std::int64_t level = (i * 389 + seed * 97) * (i + seed + 7) % 1021;
    matrix.data()[i] = static_cast<float>(level) / 512 - 1;
  }
  return matrix;
}

inline std::unique_ptr<Linear> dense(Matrix weight) {
  return std::make_unique<DenseLinear>(std::make_shared<const Matrix>(std::move(weight)));
}

/// E experts, whose gate, up and down are of the seeds first + 3 e, + 1 and + 2.
inline ExpertParts some_experts(std::int64_t experts, Eigen::Index hidden, Eigen::Index feed_forward,
                                std::int64_t first) {
  std::vector<std::unique_ptr<Linear>> gate, up, down;
  for (std::int64_t e = 0; e < experts; ++e) {
    gate.push_back(dense(scattered_numbers(feed_forward, hidden, first + 3 * e)));
    up.push_back(dense(scattered_numbers(feed_forward, hidden, first + 3 * e + 1)));
    down.push_back(dense(scattered_numbers(hidden, feed_forward, first + 3 * e + 2)));
  }
  return {.gate = std::make_unique<LinearPerExpert>(std::move(gate)),
          .up = std::make_unique<LinearPerExpert>(std::move(up)),
          .down = std::make_unique<LinearPerExpert>(std::move(down))};
}

/// One expert as a layer of its own.
inline std::unique_ptr<FeedForward> one_expert(Eigen::Index hidden, Eigen::Index feed_forward,
                                               std::int64_t first) {
  return std::make_unique<SwiGlu>(dense(scattered_numbers(feed_forward, hidden, first)),
                                  dense(scattered_numbers(feed_forward, hidden, first + 1)),
                                  dense(scattered_numbers(hidden, feed_forward, first + 2)));
}

/// Mixtral's rule.
inline MixtureOfExperts::Rule top(std::int64_t used, bool renormalize = true) {
  return [=](const ConstMatrixView& scores) { return softmax_then_top_k(scores, used, renormalize); };
}

inline Matrix output_of(const FeedForward& layer, const ConstMatrixView& x) {
  Matrix out = Matrix::Constant(x.rows(), x.cols(), 1000);
  layer.run(x, out, nullptr, "layer");
  return out;
}

}  // namespace rung::testing
