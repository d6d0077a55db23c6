#include "core/check/model_match.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rung::check {
namespace {

/// The largest |answer - logits|, infinite where the answer is not a number.
double distance(const Answer& answer, const oracle::Grid& logits) {
  double largest = 0;
  for (std::size_t t = 0; t < answer.logits.size(); ++t) {
    const auto expected = logits.row(static_cast<std::int64_t>(t));
    for (std::size_t v = 0; v < answer.logits[t].size(); ++v) {
      const double deviation = std::abs(static_cast<double>(answer.logits[t][v]) - expected[v]);
      if (!(deviation <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
      largest = std::max(largest, deviation);
    }
  }
  return largest;
}

}  // namespace

std::optional<MatchedMistake> match_model_mistake(const Checkpoint& checkpoint,
                                                  std::span<const TextAnswer> answers,
                                                  std::span<const ModelReference> references) {
  std::optional<MatchedMistake> matched;
  if (answers.empty()) return matched;  // it threw: any mistake would explain nothing
  double closest = 1;
  std::vector<const ModelMistake*> all;
  for (const ModelMistake& mistake : model_mistakes()) all.push_back(&mistake);
  if (references.front().activation_group > 0) {
    for (const ModelMistake& mistake : integer_mistakes()) all.push_back(&mistake);
  }
  for (const ModelMistake* one : all) {
    const ModelMistake& mistake = *one;
    if (!applies(mistake, checkpoint)) continue;
    const oracle::Transformer wrong = mistaken_transformer(checkpoint, mistake);
    double unexplained = 0;  // 1: as much as is allowed
    for (const auto& [text, answer] : answers) {
      const ModelReference& reference = references[text];
      const oracle::Grid logits =
          wrong.logits(answer.feeding.tokens, mistaken_hook(mistake, wrong, answer.feeding));
      const double off = distance(answer, reference.logits);
      const double left = distance(answer, logits);
      // A mistake that is as far away as the right model explains nothing.
      const bool explains =
          left <= std::max(reference.budget, 0.01 * off) && (left < 0.5 * off || off <= reference.budget);
      unexplained = explains ? std::max(unexplained, left / std::max(reference.budget, 0.01 * off))
                             : std::numeric_limits<double>::infinity();
      if (unexplained > closest) break;
    }
    if (unexplained <= closest) {
      closest = unexplained;
      matched = {.name = mistake.name, .sentence = mistake.sentence, .chapter = mistake.chapter};
    }
  }
  return matched;
}

}  // namespace rung::check
