#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/stage/plan.h"

namespace rung {

/// Consecutive positions in consecutive slots.
struct PositionRun {
  std::int32_t first = 0;
  std::int32_t count = 0;
};

/// The positions [first, last) of a sequence, cut where its ring begins again: two runs at most, none when there are
/// no positions. One run when the sequence is flat.
/// @param last  at most first + ring: a ring holds no more
std::vector<PositionRun> slot_runs(const SequencePlan& sequence, std::int32_t first, std::int32_t last);

/// A plan of which a KvStore writes exactly the run.
SequencePlan run_to_write(const SequencePlan& sequence, const PositionRun& run);
/// A plan of which a KvStore reads exactly the run.
SequencePlan run_to_read(const SequencePlan& sequence, const PositionRun& run);

/// Slots that a sequence needs. Without a window, one for each of `max_positions`. With a window W, those that the
/// rows of a batch of T_max see all together, W - 1 before its first row and its own: W + T_max - 1; never more than
/// max_positions. Source: the rolling buffer of Mistral 7B, arXiv:2310.06825, section 2, which has W and so one row at
/// a time.
std::int64_t lane_slots(std::optional<std::int64_t> window, std::int64_t max_positions,
                        std::int64_t max_batch);

/// The oldest position that a query at `position` sees: its own and the W - 1 before it, as far as there are any.
/// 0 without a window.
std::int32_t oldest_seen(std::optional<std::int64_t> window, std::int32_t position);

/// The oldest position that a lane of `slots` slots still holds when the positions [0, length) have been written to it,
/// one after another: each took the place of the one `slots` before it, as far as there was one.
std::int32_t oldest_kept(std::int32_t slots, std::int32_t length);

/// The fewest positions to which a sequence may be cut, other than 0: the last position that stays must still have its
/// whole window, itself and the W - 1 before it. (To go on from there, one less would do.) 1 where nothing has been
/// overwritten.
/// @param oldest  of the lane: see oldest_kept()
std::int32_t shortest_cut(std::optional<std::int64_t> window, std::int32_t oldest);

}  // namespace rung
