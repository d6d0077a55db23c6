#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/check/function_check.h"

// Chapter 03's functions that are no op: what they take, and their checks.

namespace rung::check {

/// Calls of an attention of two heads whose queries are 0, so that each gives the mean of the values that it sees. The
/// rows of all sequences lie one behind another in the same matrices.
struct AttentionSpansInput {
  static constexpr std::int64_t heads = 2, head_dim = 2;
  static constexpr double before = 1000;  ///< what the output holds before a call
  /// A call for one sequence: see chapter 03's AttentionSpan.
  struct Part {
    std::int64_t queries = 0, keys = 0;  ///< rows
    std::int64_t first_query = 0, first_key = 0;
    std::optional<std::int64_t> window = std::nullopt;
  };
  std::vector<Part> parts;
};
/// The values of a part, and its keys too: [keys, heads · head_dim], NaN for those that no query sees.
std::vector<double> span_values(const AttentionSpansInput& input, std::size_t part);
/// All rows of the output, [queries of all parts, heads · head_dim], come back.
FunctionCheck<AttentionSpansInput, std::vector<double>> attention_spans_check();

}  // namespace rung::check
