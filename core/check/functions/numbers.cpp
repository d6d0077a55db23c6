#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/sampling.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

// Longer lists are not shown whole.
constexpr std::size_t most_shown = 64;

/// "2 of 300 numbers are wrong; first number 7: expected 1.5, found 2"
template <typename Wrong, typename Show>
std::string first_difference(const char* what, std::size_t found, std::size_t expected, const Wrong& wrong,
                             const Show& show) {
  if (expected <= most_shown && found <= most_shown) return {};
  if (found != expected) return fmt::format("expected {} {}s, found {}", expected, what, found);
  std::size_t count = 0, first = 0;
  for (std::size_t i = 0; i < expected; ++i) {
    if (wrong(i) && count++ == 0) first = i;
  }
  return fmt::format("{} of {} {}s are wrong; first {} {}: {}", count, expected, what, what, first,
                     show(first));
}

}  // namespace

std::string show_numbers(const std::vector<double>& numbers) {
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  // A NaN's sign means nothing, and would be told.
  for (const double number : numbers)
    texts.push_back(std::isnan(number) ? "nan" : fmt::format("{:.6g}", number));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

bool same_numbers(const std::vector<double>& found, const std::vector<double>& expected, double relative) {
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]))) continue;
    // Next to an infinity every distance is within any share of it.
    if (std::isinf(expected[i])) return false;
    if (!(std::abs(found[i] - expected[i]) <= relative * std::abs(expected[i]))) return false;
  }
  return true;
}

std::string difference_of_numbers(const std::vector<double>& found, const std::vector<double>& expected,
                                  double relative) {
  return first_difference(
      "number", found.size(), expected.size(),
      [&](std::size_t i) { return !same_numbers({found[i]}, {expected[i]}, relative); },
      [&](std::size_t i) { return fmt::format("expected {:.6g}, found {:.6g}", expected[i], found[i]); });
}

std::string first_wrong_number(const std::vector<double>& found, const std::vector<double>& expected,
                               double relative, const std::function<std::string(std::size_t)>& place) {
  constexpr std::size_t most_behind = 16;
  if (found.size() != expected.size())
    return fmt::format("expected {} numbers, found {}", expected.size(), found.size());
  std::size_t count = 0, first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!same_numbers({found[i]}, {expected[i]}, relative) && count++ == 0) first = i;
  }
  // So many digits that the two do not look alike.
  std::string wanted, got;
  for (int digits = 6; digits <= 17 && wanted == got; digits += digits == 6 ? 3 : 8) {
    wanted = fmt::format("{:.{}g}", expected[first], digits);
    got = fmt::format("{:.{}g}", found[first], digits);
  }
  std::string text = fmt::format("{} of {} numbers {} wrong; the first, {}: expected {}, found {}", count,
                                 expected.size(), count == 1 ? "is" : "are", place(first), wanted, got);
  if (expected.size() <= most_behind)
    text += fmt::format("; all: expected {}, found {}", show_numbers(expected), show_numbers(found));
  return text;
}

std::string first_wrong_count(const std::vector<double>& found, const std::vector<double>& expected,
                              double relative, std::span<const std::string_view> names) {
  std::size_t count = 0, first = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!same_numbers({found.at(i)}, {expected.at(i)}, relative) && count++ == 0) first = i;
  }
  if (count == 0) return {};
  return fmt::format("{} of {} counts {} wrong; the first, {}: expected {:.15g}, found {:.15g}", count,
                     names.size(), count == 1 ? "is" : "are", names[first], expected[first], found[first]);
}

std::string difference_of_choices(const TokenProbabilities& found, const TokenProbabilities& expected,
                                  double relative) {
  const auto one = [](const TokenProbabilities& choices, std::size_t i) {
    return TokenProbabilities{{choices.tokens[i]}, {choices.probabilities[i]}};
  };
  return first_difference(
      "choice", found.tokens.size(), expected.tokens.size(),
      [&](std::size_t i) { return !same_choices(one(found, i), one(expected, i), relative); },
      [&](std::size_t i) {
        return fmt::format("expected {}: {:.6g}, found {}: {:.6g}", expected.tokens[i],
                           expected.probabilities[i], found.tokens[i], found.probabilities[i]);
      });
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
