#pragma once

#include <cstdint>
#include <optional>
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

/// A question about a ring: one of the functions of chapter 07's ring.h.
struct RingRuleInput {
  /// What is asked.
  enum class Rule {
    lane,  ///< lane_slots(window, positions, batch)
    seen,  ///< oldest_seen(window, first)
    kept,  ///< oldest_kept(slots, last)
    cut,   ///< shortest_cut(window, first)
    runs,  ///< slot_runs() of the positions [first, last) in a ring of `slots` slots from `first_slot` on
  };
  Rule rule = Rule::lane;
  std::int64_t window = 0;  ///< 0: none
  std::int64_t positions = 0, batch = 0;
  int slots = 0;  ///< runs: 0 is a flat lane
  int first = 0, last = 0, first_slot = 0;
};
/// One number comes back, of runs the first position and the count of each.
FunctionCheck<RingRuleInput, std::vector<std::int64_t>> ring_check();

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

/// A call of an attention whose queries are 0, so that each gives the mean of the values that it sees, with keys and
/// values in several pieces. Columns to the right of keys and values, which are not theirs, hold NaN: as many as there
/// are query heads.
struct KvPiecesInput {
  static constexpr double before = 1000;  ///< what the output holds before the call
  std::int64_t heads = 6, kv_heads = 3, head_dim = 2;
  std::int64_t queries = 0, first_query = 0;
  std::int64_t first_key = 0;      ///< position of the first row of the first piece
  std::vector<std::int64_t> rows;  ///< of each piece
  std::optional<std::int64_t> window = std::nullopt;
};
/// The values of all pieces one behind another: [sum of rows, kv_heads · head_dim], NaN where no query sees them.
std::vector<double> piece_values(const KvPiecesInput& input);
/// Their keys: the values with a minus, so that one cannot be taken for the other.
std::vector<double> piece_keys(const KvPiecesInput& input);
/// The output, [queries, heads · head_dim], comes back.
FunctionCheck<KvPiecesInput, std::vector<double>> kv_pieces_check();

/// Keys and values to be stored and read again: [positions, heads · head_dim] each.
struct ShortKvInput {
  GroupedCostInput::Type type = GroupedCostInput::Type::int8;
  std::int64_t heads = 1, head_dim = 1;
  std::vector<double> keys, values;
  std::int64_t past = 0;  ///< so many of the rows are written first, the others in a call of their own
  std::int64_t first_visible = 0;  ///< positions before it are not read
  std::int64_t first = 0;          ///< position of the first row
  std::int64_t ring = 0;  ///< slots that are used round and round, 0: flat; all rows are in one round
};
/// The store has two layers, and all its slots hold short_kv_before at first. The sequence is in layer 1,
/// from slot short_kv_lane on; behind it are as many slots more as a position counts that is taken for a slot.
inline constexpr std::int64_t short_kv_lane = 2;
inline constexpr double short_kv_before = 1000;  ///< what another sequence left
/// Slots of the store.
std::int64_t short_kv_slots(const ShortKvInput& input);
/// What was read comes back, the keys first.
FunctionCheck<ShortKvInput, std::vector<double>> short_kv_check();

}  // namespace rung::check
