#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/oracle/grid.h"

namespace rung::oracle {

/// Who watches a forward pass, and may change what it computes; either function may be left out.
struct Hook {
  /// Called with every activation, under the names and in the order of core/stage/trace.h, one row per token
  /// of the sequence. What follows is computed from the values it leaves.
  std::function<void(std::string_view point, Grid& values)> see;
  /// Called with the sums of every linear layer before `see`, for modelling an accumulator's round-off:
  /// sums[t, n] = Σ_k x[t, k]·w[n, k] has `terms` terms, and squares[t, n] = Σ_k (x[t, k]·w[n, k])².
  std::function<void(Grid& sums, const Grid& squares, std::int64_t terms)> sum;
};

/// What a Llama-shaped model (arXiv:2302.13971, section 2.2) computes, in double: the whole sequence at once,
/// no cache, from the checkpoint's own numbers (their fp32 values, which double holds exactly). What "right"
/// means for every stage of the ladder.
///
/// Slow but bounded in memory: weights are decoded matrix by matrix, each time they are used.
class Transformer {
 public:
  /// The checkpoint must stay open as long as this lives.
  explicit Transformer(const Checkpoint& checkpoint) : Transformer(checkpoint, checkpoint.config()) {}
  /// The same weights under another config: what a model would do that read it wrongly.
  Transformer(const Checkpoint& checkpoint, ModelConfig config);
  /// The same of a checkpoint that it keeps open itself.
  Transformer(std::shared_ptr<const Checkpoint> checkpoint, ModelConfig config)
      : Transformer(*checkpoint, std::move(config)) {
    kept_ = std::move(checkpoint);
  }

  /// The config that it computes by.
  const ModelConfig& config() const { return config_; }

  /// Logits of every position: [T, V]. logits = output(normed(tokens)).
  /// @param tokens  the sequence from its first token on; T >= 1
  /// @throws Error (usage) for no tokens or one outside the vocabulary, Error (bad_input) naming a weight
  ///         that is not finite
  Grid logits(std::span<const std::int32_t> tokens, const Hook& hook = {}) const;

  /// Everything up to the last norm: [T, hidden].
  Grid normed(std::span<const std::int32_t> tokens, const Hook& hook = {}) const;
  /// The output matrix, for some rows of normed(): [rows, V]. 512 rows of SmolLM2's are 201 MB.
  Grid output(const Grid& normed, const Hook& hook = {}) const;
  /// x·Wᵀ with the model's matrix of that name: for whoever wants to compute something in another way.
  Grid product(const Grid& x, const std::string& name) const { return project(x, name, {}); }

 private:
  Grid embed(std::span<const std::int32_t> tokens) const;
  void attend(std::int64_t layer, Grid& x, const Hook& hook) const;
  void feed_forward(std::int64_t layer, Grid& x, const Hook& hook) const;
  Grid dense(const std::string& point, const Grid& normed, const Hook& hook) const;
  Grid mixture(const std::string& point, const Grid& normed, const Hook& hook) const;
  Grid norm(const Grid& x, const std::string& name) const;
  Grid project(const Grid& x, const std::string& name, const Hook& hook) const;

  const Checkpoint* checkpoint_;
  std::shared_ptr<const Checkpoint> kept_;
  ModelConfig config_;
  std::vector<double> frequencies_;  ///< of RoPE: [head_dim / 2] radians per position
};

}  // namespace rung::oracle
