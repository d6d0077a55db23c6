#include "chapters/05_sampling/functions.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "chapters/05_sampling/distribution.h"
#include "chapters/05_sampling/draw.h"
#include "chapters/05_sampling/random.h"
#include "chapters/05_sampling/repetition.h"
#include "chapters/05_sampling/truncation.h"
#include "core/check/functions/sampling.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

check::TokenProbabilities as_lists(const Distribution& distribution) {
  check::TokenProbabilities lists;
  for (const Choice& choice : distribution) {
    lists.tokens.push_back(choice.token);
    lists.probabilities.push_back(choice.probability);
  }
  return lists;
}

Distribution as_distribution(const check::TokenProbabilities& lists) {
  Distribution distribution;
  for (std::size_t i = 0; i < lists.tokens.size(); ++i)
    distribution.push_back({lists.tokens[i], lists.probabilities[i]});
  return distribution;
}

check::TokenProbabilities run_distribution(const check::DistributionInput& input) {
  return check::judge_refusal(input, [&]() -> check::TokenProbabilities {
    if (input.temperature == 0) return {{greedy(input.logits)}, {1}};
    return as_lists(distribution(input.logits, input.temperature));
  });
}

check::TokenProbabilities run_truncation(const check::TruncationInput& input) {
  const Distribution from = as_distribution(input.from);
  switch (input.rule) {
    case oracle::Truncation::top_k:
      return as_lists(top_k(from, static_cast<std::int64_t>(input.value)));
    case oracle::Truncation::top_p:
      return as_lists(top_p(from, input.value));
    case oracle::Truncation::min_p:
      break;
  }
  return as_lists(min_p(from, input.value));
}

check::Draws run_draw(const check::DrawInput& input) {
  const Distribution from = as_distribution(input.from);
  Random random(input.seed);
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(input.draws));
  for (int i = 0; i < input.draws; ++i) tokens.push_back(draw(from, random));
  return check::judge_draws(input, std::move(tokens), random.uniform());
}

Numbers run_repetition_penalty(const check::RepetitionInput& input) {
  std::vector<float> logits = input.logits;
  penalise_repetition(logits, input.seen, input.penalty);
  return {logits.begin(), logits.end()};
}

}  // namespace

std::vector<check::JudgedFunction> sampling_functions() {
  return {
      check::judged<check::DistributionInput, check::TokenProbabilities>(
          check::distribution_check(), "chapters/05_sampling/distribution", run_distribution),
      check::judged<check::TruncationInput, check::TokenProbabilities>(
          check::truncation_check(), "chapters/05_sampling/truncation", run_truncation),
      check::judged<check::RepetitionInput, Numbers>(
          check::repetition_penalty_check(), "chapters/05_sampling/repetition", run_repetition_penalty),
      check::judged<check::DrawInput, check::Draws>(check::draw_check(), "chapters/05_sampling/draw",
                                                    run_draw),
  };
}

}  // namespace rung
