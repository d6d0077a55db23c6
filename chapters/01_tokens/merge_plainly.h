#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rung {

/// A merge of two pieces.
struct PlainMerge {
  std::int32_t rank, merged;
};
/// [left id][right id]
using PlainMerges = std::vector<std::vector<std::optional<PlainMerge>>>;

/// BPE by its definition, for the demo that times it beside MergeTable::merge(): look at every pair of the word, merge the
/// best one, begin again. Takes n steps of n looks each.
std::vector<std::int32_t> merge_plainly(std::vector<std::int32_t> word, const PlainMerges& merges);

}  // namespace rung
