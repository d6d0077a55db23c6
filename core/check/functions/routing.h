#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// The functions of chapter 09: which experts a row goes to, its way there and back, and how evenly experts are used.

namespace rung::check {

/// Scores of experts to choose from.
struct RoutingInput {
  std::int64_t experts = 1, used = 1;  ///< E and k
  std::vector<double> scores;          ///< [T, E], exact in fp32
  bool renormalize = true;
  // Of group_routing alone.
  std::vector<double> bias = {};             ///< [E], exact in fp32
  std::int64_t groups = 1, groups_used = 1;  ///< of equal groups of neighbours the best so many
  double scale = 1;                          ///< weights are multiplied by
};

/// Experts and their weights, or the kind of the Error ("usage", "bad_input") with which the call is refused.
struct RoutingResult {
  std::vector<std::int64_t> chosen = {};  ///< [T, k]
  std::vector<double> weights = {};       ///< [T, k]
  std::string refused = {};
  /// [T, k], what top_k() alone makes of each row, -1 where it writes nothing; empty where it is not asked.
  std::vector<std::int64_t> by_top_k = {};
  bool operator==(const RoutingResult&) const = default;
};

/// What `refused` says where a number that is not finite is refused, but top_k() alone takes it.
inline constexpr const char* refused_but_by_top_k = "bad_input, but not by top_k() alone";

/// softmax_then_top_k() of chapter 09, and top_k() row by row.
FunctionCheck<RoutingInput, RoutingResult> routing_check();
/// sigmoid_in_groups() of chapter 09.
FunctionCheck<RoutingInput, RoutingResult> group_routing_check();

/// Routes to be sorted by expert.
struct SegmentsInput {
  std::int64_t experts = 1, used = 1;
  std::vector<std::int64_t> chosen;  ///< [T, k]
  std::vector<double> weights;       ///< [T, k]
  /// Rows an expert has room for, in the order of segments_within(); 0 for any number. Then the segments are given, and
  /// only what rows do is judged.
  std::int64_t room = 0;
  std::int64_t rows() const { return static_cast<std::int64_t>(chosen.size()) / used; }  ///< T
};

/// Segments, and what comes of rows that take them: row t of the input is segment_row(t), of which expert e makes e + 1
/// times as much. The output holds `segments_before` before it is written.
struct SegmentsResult {
  std::vector<std::int64_t> offsets = {};  ///< [E + 1]
  std::vector<std::int64_t> row_of = {};   ///< [N]
  std::vector<double> weight_of = {};      ///< [N]
  std::vector<double> gathered = {};       ///< [N, 2]; empty where rows are not asked for
  std::vector<double> combined = {};       ///< [T, 2]; the same
  std::string refused = {};                ///< as in RoutingResult
  std::int64_t rows = 0;                   ///< T
  bool operator==(const SegmentsResult&) const = default;
};
inline constexpr double segments_before = 1000;  ///< what the output holds before the call
/// Row t of what is sent to experts, two numbers.
std::vector<double> segment_row(std::int64_t t);
/// segments_of(), gather_rows() and combine_rows() of chapter 09.
FunctionCheck<SegmentsInput, SegmentsResult> expert_segments_check();

/// A question about experts with room for so many rows and no more.
struct CapacityInput {
  /// What is asked.
  enum class Rule {
    room,    ///< expert_capacity(rows, experts, used, factor)
    within,  ///< segments_within(routes, capacity)
    choice,  ///< expert_choice(scores, capacity)
  };
  Rule rule = Rule::room;
  std::int64_t rows = 1, experts = 1, used = 1, capacity = 1;
  double factor = 1;
  std::vector<std::int64_t> chosen =
      {};                           ///< within: [T, k], whose weights are 1 / 2, 1 / 4, 1 / 8, … by choice
  std::vector<double> scores = {};  ///< choice: [T, E]
};
/// The room comes back as one offset; of the others segments without gathered rows.
FunctionCheck<CapacityInput, SegmentsResult> expert_capacity_check();

/// A question about how evenly experts are used.
struct LoadInput {
  /// What is asked.
  enum class Rule {
    load,      ///< expert_load(): counts, entropy, imbalance
    loss,      ///< balance_loss()
    bias,      ///< update_bias(chosen as counts, step, bias)
    expected,  ///< expected_experts(experts, used, rows)
  };
  Rule rule = Rule::load;
  std::int64_t experts = 1, used = 1, rows = 0;
  std::vector<std::int64_t> chosen = {};  ///< [T, k]; of `bias` the count of each expert
  std::vector<double> scores = {};        ///< [T, E]
  std::vector<double> bias = {};          ///< [E]
  double step = 0;
  std::int64_t scored = 0;  ///< experts that scores are of, where that is another number than E
};
/// What comes back.
struct LoadResult {
  std::vector<double> numbers = {};  ///< of a load the counts first
  std::string refused = {};          ///< as in RoutingResult
  bool operator==(const LoadResult&) const = default;
};
/// expert_load(), balance_loss(), update_bias() and expected_experts() of chapter 09.
FunctionCheck<LoadInput, LoadResult> expert_load_check();

/// How close weights are to be: fp32's digits, and nothing of what is too small for fp32.
bool same_weights(const std::vector<double>& found, const std::vector<double>& expected);

}  // namespace rung::check
