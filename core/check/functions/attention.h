#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/check/function_check.h"
#include "core/checkpoint/config.h"

// Chapter 03's functions that are no op: what they take, and their checks.

namespace rung::check {

/// Calls of an attention of two heads. Where the queries are 0, each gives the mean of the values that it sees. The rows
/// of all sequences lie one behind another in the same matrices.
struct AttentionSpansInput {
  static constexpr std::int64_t heads = 2, head_dim = 2;
  static constexpr double before = 1000;  ///< what the output holds before a call, and what lies between rows
  /// A call for one sequence: see chapter 03's AttentionSpan.
  struct Part {
    std::int64_t queries = 0, keys = 0;  ///< rows
    std::int64_t first_query = 0, first_key = 0;
    std::optional<std::int64_t> window = std::nullopt;
  };
  /// Numbers between two rows of each matrix.
  struct Gaps {
    std::int64_t q = 0, keys = 0, values = 0, out = 0;
  };
  std::vector<Part> parts;
  /// The first number of every head of every query: 0, or so much that its weight is 1 on the newest key that it sees
  /// (on the oldest, where it is below 0).
  double query = 0;
  Gaps gaps = {};
};
/// The keys of a part: [keys, heads · head_dim], NaN for those that no query sees.
std::vector<double> span_keys(const AttentionSpansInput& input, std::size_t part);
/// The same for its values. All keys from position 64 on have the values of 64.
std::vector<double> span_values(const AttentionSpansInput& input, std::size_t part);
/// All rows of the output, [queries of all parts, heads · head_dim + gaps.out], come back.
FunctionCheck<AttentionSpansInput, std::vector<double>> attention_spans_check();

/// A model's frequencies: what chapter 03's rope_frequencies() takes.
struct RopeFrequenciesInput {
  RopeConfig config;
  std::int64_t head_dim = 2;
};
/// The angle per position of each pair of a head, [head_dim / 2].
FunctionCheck<RopeFrequenciesInput, std::vector<double>> rope_frequencies_check();

/// Rows of a wider matrix, two heads of four numbers and then `gap` that are somebody else's. The frequencies are 1
/// and 0.5.
struct RopeRowsInput {
  static constexpr std::int64_t heads = 2, head_dim = 4;
  RopeLayout layout = RopeLayout::half_split;
  std::vector<std::int32_t> positions;
  std::int64_t gap = 0;
};
/// The memory before: [positions, heads · head_dim + gap].
std::vector<double> rope_rows_before(const RopeRowsInput& input);
/// The memory after its rows were turned in place, as long.
FunctionCheck<RopeRowsInput, std::vector<double>> rope_rows_check();

}  // namespace rung::check
