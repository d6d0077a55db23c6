#include "chapters/05_sampling/sampler.h"

#include <cmath>
#include <utility>
#include <vector>

#include "chapters/05_sampling/draw.h"
#include "chapters/05_sampling/repetition.h"
#include "chapters/05_sampling/truncation.h"
#include "core/error.h"

namespace rung {

Sampler::Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {
  const auto require = [](bool right, const char* option, const char* range, double found) {
    if (!right) throw Error(ErrorKind::usage, "{}: expected {}, found {}", option, range, found);
  };
  require(std::isfinite(options.temperature) && options.temperature >= 0, "--temperature",
          "a number >= 0 (0 is greedy)", options.temperature);
  require(!options.top_k || *options.top_k >= 1, "--top-k", "a number >= 1",
          static_cast<double>(options.top_k.value_or(1)));
  require(!options.top_p || (*options.top_p > 0 && *options.top_p <= 1), "--top-p",
          "a number above 0 and at most 1", options.top_p.value_or(1));
  require(!options.min_p || (*options.min_p >= 0 && *options.min_p <= 1), "--min-p", "a number from 0 to 1",
          options.min_p.value_or(0));
  require(std::isfinite(options.repetition_penalty) && options.repetition_penalty > 0, "--repetition-penalty",
          "a number above 0 (1 is none)", options.repetition_penalty);
}

// [next]
Distribution Sampler::next(std::span<const float> logits, std::span<const std::int32_t> history) const {
  std::vector<float> penalised(logits.begin(), logits.end());
  if (options_.repetition_penalty != 1) penalise_repetition(penalised, history, options_.repetition_penalty);
  if (options_.temperature == 0) return {{greedy(penalised), 1}};
  Distribution choices = distribution(penalised, options_.temperature);
  if (options_.top_k) choices = top_k(std::move(choices), *options_.top_k);
  if (options_.top_p) choices = top_p(std::move(choices), *options_.top_p);
  if (options_.min_p) choices = min_p(std::move(choices), *options_.min_p);
  return choices;
}
// [next]

std::int32_t Sampler::sample(std::span<const float> logits, std::span<const std::int32_t> history) {
  const Distribution choices = next(logits, history);
  return options_.temperature == 0 ? choices.front().token : draw(choices, random_);
}

}  // namespace rung
