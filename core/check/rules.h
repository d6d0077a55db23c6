#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/check/op.h"

namespace rung::check {

/// A rule by which one result is accepted or not, as other projects publish them.
struct AcceptanceRule {
  std::string name;
  std::string source;  ///< which project
  /// Whether `results` are accepted on one case. `baselines` are the plain loop's results.
  std::function<bool(const Case&, const std::vector<double>& results, const std::vector<double>& wanted,
                     const std::vector<double>& baselines)>
      accepts;
};

/// The published rules that the standard is compared with.
const std::vector<AcceptanceRule>& published_rules();

/// |o − r| <= 1e-2 + 1e-2·|r| everywhere: what many projects take for "equal" in half precision.
bool allclose_1e2(const std::vector<double>& results, const std::vector<double>& wanted);

/// How one rule did on the catalogue.
struct RuleScore {
  std::string rule;
  int caught_normal = 0;   ///< mistakes rejected on the cases with N(0,1) inputs alone
  int caught = 0;          ///< mistakes rejected on all cases
  int failed_correct = 0;  ///< right reorderings rejected on some case
};

/// The rules on all ops' known mistakes and reorderings at one type. The last score is the standard's, whose
/// probes count among all cases.
struct RulesTable {
  NumberType type = NumberType::f32;
  int mistakes = 0;
  int correct = 0;
  std::vector<RuleScore> scores;
};

/// @param seed  of the cases
RulesTable rules_table(NumberType type, std::uint64_t seed = default_seed);

/// The tables as text, as `./rung check --rules` prints them.
std::string to_text(std::span<const RulesTable> tables);
/// The same as JSON.
std::string to_json(std::span<const RulesTable> tables);

}  // namespace rung::check
