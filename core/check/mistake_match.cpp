#include "core/check/mistake_match.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check/budget.h"

namespace rung::check {
namespace {

constexpr double no_match = std::numeric_limits<double>::infinity();

/// |got − want| as a share of the bound; 0 when both are the same kind of not finite.
double distance(double got, double want, double bound) {
  if (std::isfinite(got) && std::isfinite(want)) return std::abs(got - want) / bound;
  if (std::isnan(got) && std::isnan(want)) return 0;
  return got == want ? 0 : no_match;
}

/// Mean squared distance of `results` from `wrong` over all elements, or no_match when one of them is outside
/// its bound. The bound is the oracle's, moved to where the mistake is.
double distance(NumberType type, const Values& results, const Values& wrong,
                const std::vector<Reference>& references) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t o = 0; o < results.size(); ++o) {
    for (std::size_t i = 0; i < results[o].size(); ++i) {
      const double bound = element_bound(type, references[o], i) +
                           2 * unit_roundoff(type) * std::abs(std::isfinite(wrong[o][i]) ? wrong[o][i] : 0);
      const double d = distance(results[o][i], wrong[o][i], bound);
      if (!(d <= 1)) return no_match;
      sum += d * d;
    }
    count += results[o].size();
  }
  return sum / static_cast<double>(count);
}

/// The same from the oracle's own values, without a limit.
double distance_from_oracle(NumberType type, const Values& results,
                            const std::vector<Reference>& references) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t o = 0; o < results.size(); ++o) {
    for (std::size_t i = 0; i < results[o].size(); ++i) {
      const double d = distance(results[o][i], references[o].value[i], element_bound(type, references[o], i));
      sum += std::isfinite(d) ? d * d : 1e30;
    }
    count += results[o].size();
  }
  return sum / static_cast<double>(count);
}

}  // namespace

std::optional<MatchedMistake> match_mistake(const Op& op, std::span<const Case> cases,
                                            std::span<const Values> results,
                                            std::span<const std::vector<Reference>> references) {
  double closest = 0;
  for (std::size_t c = 0; c < cases.size(); ++c) {
    if (!results[c].empty()) closest += distance_from_oracle(cases[c].type, results[c], references[c]);
  }

  std::optional<MatchedMistake> found;
  for (const Mistake& mistake : op.mistakes) {
    if (std::find(mistake.types.begin(), mistake.types.end(), cases.front().type) == mistake.types.end())
      continue;
    double sum = 0;
    for (std::size_t c = 0; c < cases.size() && sum < closest; ++c) {
      if (!results[c].empty())
        sum += distance(cases[c].type, results[c], mistake.run(cases[c]), references[c]);
    }
    if (sum < closest) {
      closest = sum;
      found = MatchedMistake{mistake.name, mistake.sentence, op.chapter};
    }
  }
  return found;
}

}  // namespace rung::check
