#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/sampling.h"
#include "core/check/functions/show.h"

namespace rung::check {

std::string show_numbers(const std::vector<double>& numbers) {
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  for (const double number : numbers) texts.push_back(fmt::format("{:.6g}", number));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

bool same_numbers(const std::vector<double>& found, const std::vector<double>& expected, double relative) {
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]))) continue;
    if (!(std::abs(found[i] - expected[i]) <= relative * std::abs(expected[i]))) return false;
  }
  return true;
}

std::string show_choices(const TokenProbabilities& choices) {
  std::vector<std::string> texts;
  texts.reserve(choices.tokens.size());
  for (std::size_t i = 0; i < choices.tokens.size(); ++i) {
    texts.push_back(fmt::format("{}: {:.6g}", choices.tokens[i], choices.probabilities[i]));
  }
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

bool same_choices(const TokenProbabilities& found, const TokenProbabilities& expected, double relative) {
  return found.tokens == expected.tokens &&
         same_numbers(found.probabilities, expected.probabilities, relative);
}

}  // namespace rung::check
