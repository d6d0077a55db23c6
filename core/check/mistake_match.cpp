#include "core/check/mistake_match.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check/budget.h"

namespace rung::check {
namespace {

/// A mistake fits a case when every number is within its budget, or when it explains all but this part of the
/// squared deviation from the oracle: a wrong formula may lose more on the way than the right one's budget
/// knows of.
constexpr double unexplained = 0.01;

/// How well one explanation (a mistake's values, or the oracle's) agrees with a candidate on one case.
struct Agreement {
  double distance = 0;   ///< mean squared difference, in shares of the budget
  double deviation = 0;  ///< sum of squared differences
  bool within = true;    ///< every number within the budget
  /// The same numbers are not finite. Which infinity, or NaN, hangs on how the rest is written and on whose exp it
  /// is: std::exp() overflows to infinity, Eigen's ends at 2.4e38, and e·x / (1 + e) becomes the one or the other.
  bool possible = true;
};

/// How far from an explanation's value a candidate may be: the last rounding is that of the value; what is
/// lost before is taken from the oracle's terms, in proportion to the result.
double match_bound(NumberType type, const Reference& reference, std::size_t i, double value) {
  const double right = std::abs(reference.value[i]);
  const double size = std::isfinite(value) ? std::abs(value) : 0;
  const double proportion = right > 0 ? std::max(1.0, size / right) : 1;
  const double before = 4 * accumulator_roundoff * reference.accumulated[i] + reference.intermediate[i];
  const double last = std::max(unit_roundoff(type) * size, underflow(type));
  return 2 * (last + before * proportion);
}

/// @param chance  numbers that are not compared; may be null
Agreement compare(NumberType type, const Values& results, const Values& values,
                  const std::vector<Reference>& references, const Chance* chance = nullptr) {
  Agreement agreement;
  std::size_t count = 0;
  for (std::size_t o = 0; o < results.size(); ++o) {
    for (std::size_t i = 0; i < results[o].size(); ++i) {
      if (chance != nullptr && chance->numbers[o][i]) continue;
      const double got = results[o][i];
      const double value = values[o][i];
      if (!std::isfinite(got) || !std::isfinite(value)) {
        agreement.possible = agreement.possible && std::isfinite(got) == std::isfinite(value);
        continue;
      }
      const double share = (got - value) / match_bound(type, references[o], i, value);
      agreement.distance += share * share;
      agreement.deviation += (got - value) * (got - value);
      agreement.within = agreement.within && std::abs(share) <= 1;
    }
    count += results[o].size();
  }
  agreement.distance /= static_cast<double>(count);
  return agreement;
}

Values values_of(const std::vector<Reference>& references) {
  Values values;
  for (const Reference& reference : references) values.push_back(reference.value);
  return values;
}

/// How far a candidate's results on a case are from the mistake's; nothing, when the mistake does not explain
/// them.
std::optional<double> explained(const Mistake& mistake, const Evidence& seen, const Agreement& right) {
  const NumberType type = seen.problem.type;
  const Values values = mistake.run(seen.problem);
  if (!mistake.chance) {
    const Agreement wrong = compare(type, seen.results, values, seen.references);
    const bool fits = wrong.possible && (wrong.within || wrong.deviation <= unexplained * right.deviation);
    return fits ? std::optional(wrong.distance) : std::nullopt;
  }
  const Chance chance = mistake.chance(seen.problem);
  if (chance.surely_wrong && right.possible && right.within) return std::nullopt;
  const Agreement wrong = compare(type, seen.results, values, seen.references, &chance);
  return wrong.possible && wrong.within ? std::optional(wrong.distance) : std::nullopt;
}

}  // namespace

std::optional<MatchedMistake> match_mistake(const Op& op, std::span<const Evidence> all) {
  std::vector<Agreement> right(all.size());
  double closest = 0;
  for (std::size_t c = 0; c < all.size(); ++c) {
    const Evidence& seen = all[c];
    if (seen.results.empty()) continue;
    right[c] = compare(seen.problem.type, seen.results, values_of(seen.references), seen.references);
    if (!seen.deviates) continue;
    closest += right[c].possible ? right[c].distance : std::numeric_limits<double>::infinity();
  }

  std::optional<MatchedMistake> found;
  for (const Mistake& mistake : op.mistakes) {
    const NumberType type = all.front().problem.type;
    if (std::find(mistake.types.begin(), mistake.types.end(), type) == mistake.types.end()) continue;
    double sum = 0;
    bool fits = true;
    for (std::size_t c = 0; c < all.size() && fits && sum < closest; ++c) {
      const Evidence& seen = all[c];
      if (seen.results.empty()) continue;
      const std::optional<double> distance = explained(mistake, seen, right[c]);
      fits = distance.has_value();
      if (fits && seen.deviates) sum += *distance;
    }
    if (fits && sum < closest) {
      closest = sum;
      found = MatchedMistake{mistake.name, mistake.sentence, op.chapter};
    }
  }
  return found;
}

}  // namespace rung::check
