#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/check/feeder.h"
#include "core/check/point_watch.h"

namespace rung::check {

/// The texts of a whole-model check: the first is the longest, the last one shares `common` tokens with it.
struct CheckTexts {
  std::vector<std::vector<std::int32_t>> tokens;
  std::int32_t common = 0;
};

/// What a stage said to one of the texts.
struct TextAnswer {
  std::size_t text = 0;
  Answer answer;
};

/// A way of feeding texts to a stage that must not change what it says.
struct Scenario {
  std::string name;  ///< "chunks of 7"
  std::string what;
  /// @param watch  sees the trace where the scenario is one sequence of the first text; may be null
  std::function<std::vector<TextAnswer>(Stage&, const CheckTexts&, PointWatch* watch)> run;
};

/// Each text alone, all at once; in chunks of 1, 7 and 64; several in a ragged batch; logits of every third
/// row only; forked; truncated; and after batches that must be refused.
std::vector<Scenario> scenarios();

/// The same for a stage that keeps no more than a sliding window sees and was made for batches of `max_batch` rows of a
/// sequence: batches up to that long that begin and end anywhere in its ring, forks, truncation as deep as it can be,
/// and what must be refused (or, by a stage that keeps all, answered rightly). Of CheckTexts they take the first and
/// the last.
std::vector<Scenario> window_scenarios(std::int32_t max_batch);

/// Stands before what a candidate's own error says in a scenario's error: those who make the same mistake say it each in
/// their own words.
inline constexpr const char* its_own_words = "; it says: ";

/// How many sequences a stage must remember at a time for them.
inline constexpr std::int32_t scenario_sequences = 4;

}  // namespace rung::check
