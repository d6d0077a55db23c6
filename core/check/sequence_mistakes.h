#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/check/model_scenarios.h"
#include "core/check/report.h"
#include "core/stage/stage.h"

namespace rung::check {

/// A wrong way to run a batch that people really write: every number is right, and what is remembered is not.
struct SequenceMistake {
  std::string name;      ///< "commit_forgotten"
  std::string sentence;  ///< what was done, and what is right
  int chapter = 0;       ///< that teaches it
  /// What stands in the place of run_reserved().
  std::function<Matrix(const Batch&, Sequences&, const std::function<Matrix(const Plan&)>& run)> run;
};

/// The catalogue.
const std::vector<SequenceMistake>& sequence_mistakes();

/// The known mistake that ends the scenario with just this error, up to a candidate's own words in it. A stage that computes nothing is run with each of them.
/// @param message  of the error that the candidate's run of the scenario ended with
std::optional<MatchedMistake> match_sequence_mistake(const Scenario& scenario, const CheckTexts& texts,
                                                     const ModelConfig& config, const StageOptions& room,
                                                     const std::string& message);

}  // namespace rung::check
