#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/kv_cache.h"

// The functions of chapter 07: what shared heads and windows cost, rings, and stores of short numbers.

namespace rung::check {

/// A question about the bytes of keys and values.
struct GroupedCostInput {
  /// What one number is stored as.
  enum class Type { f32, f16, int8 };
  Type type = Type::f32;
  std::int64_t layers = 1, heads = 1, kv_heads = 1, head_dim = 1;
  std::int64_t window = 0;     ///< 0: none
  std::int64_t sequences = 0;  ///< 0: bytes of one position are asked for, else of all lanes
  std::int64_t positions = 0, batch = 0;
};
/// Bytes come back.
FunctionCheck<GroupedCostInput, std::int64_t> grouped_cost_check();

/// A script on Sequences with a window, which are asked what a batch sees.
struct RingInput {
  SequencesInput script;
  int window = 0, max_batch = 0;
};
/// Runs a script. Of the machine, remembered() is called behind write(): it is what the rows of the part see all
/// together, from the window - 1 positions before the first of them to the last of them.
std::vector<std::string> run_ring_script(const RingInput& input, SequencesMachine& machine);
/// What run_ring_script() returns comes back.
FunctionCheck<RingInput, std::vector<std::string>> ring_sequences_check();

/// Keys and values to be stored and read again: [positions, heads · head_dim] each.
struct ShortKvInput {
  GroupedCostInput::Type type = GroupedCostInput::Type::int8;
  std::int64_t heads = 1, head_dim = 1;
  std::vector<double> keys, values;
};
/// What was read comes back, the keys first.
FunctionCheck<ShortKvInput, std::vector<double>> short_kv_check();

}  // namespace rung::check
