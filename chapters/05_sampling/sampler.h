#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "chapters/05_sampling/distribution.h"
#include "chapters/05_sampling/random.h"

namespace rung {

/// How the next token is chosen. Applied in this order: repetition penalty, temperature, top-k, top-p, min-p.
struct SamplerOptions {
  double temperature = 0;                            ///< 0: greedy
  std::optional<std::int64_t> top_k = std::nullopt;  ///< >= 1
  std::optional<double> top_p = std::nullopt;        ///< in (0, 1]
  std::optional<double> min_p = std::nullopt;        ///< in [0, 1]
  double repetition_penalty = 1;                     ///< > 0; 1: none
  std::uint64_t seed = 0;
};

/// Turns logits into a token. Same logits, options and seed: same token. On every platform the same random
/// numbers are drawn and greedy choices are the same; probabilities come from the C library's exp, which may
/// differ in its last bit: where a random number falls on the very border between two tokens, the drawn one
/// can be the other.
class Sampler {
 public:
  /// @throws Error (usage) naming the option that is out of its range
  explicit Sampler(const SamplerOptions& options);

  /// @param logits   [V]
  /// @param history  the tokens so far, for the repetition penalty; ids in [0, V)
  std::int32_t sample(std::span<const float> logits, std::span<const std::int32_t> history);

  /// The distribution that sample() draws from; for temperature 0 all of it on one token.
  Distribution next(std::span<const float> logits, std::span<const std::int32_t> history) const;

 private:
  SamplerOptions options_;
  Random random_;
};

}  // namespace rung
