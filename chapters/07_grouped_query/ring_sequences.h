#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "chapters/07_grouped_query/slot_store.h"
#include "core/stage/sequences.h"
#include "core/stage/stage.h"

namespace rung {

/// Gives each sequence a lane of lane_slots() slots, which it uses round and round: position p is in slot
/// p % slots of the lane. Without a window a lane has max_positions slots and never gets round: it is flat.
///
/// With a window, what is W or more before the end is forgotten, except the T_max - 1 positions that the ring
/// happens to hold besides; so far back can a sequence be cut.
class RingSequences : public Sequences {
 public:
  /// @param options  with defaults filled in
  /// @param window   W, or none
  /// @param store    holds max_sequences · lane_slots() slots; outlives this
  RingSequences(const StageOptions& options, std::optional<std::int64_t> window, SlotStore& store);

  /// @throws Error (usage) also for more rows of a sequence than max_batch, unless lanes have room for all positions
  std::optional<Plan> reserve(const Batch& batch) override;
  void commit(const Plan& plan) override;
  void abort(const Plan& plan) override;
  std::int32_t length(SequenceId sequence) const override;
  void fork(SequenceId from, SequenceId to) override;
  /// @throws Error (usage) also when the ring does not hold any more what the window sees there. Cutting to 0 always
  ///         works; so does cutting by less than max_batch what batches have added, unless one was aborted.
  void truncate(SequenceId sequence, std::int32_t length) override;
  void drop(SequenceId sequence) override;

 private:
  struct Lane {
    std::int64_t first_slot = 0;
    std::int32_t length = 0;
    std::int32_t oldest = 0;  // positions before it have been overwritten
  };
  Lane take_lane();  // free_lanes_ is not empty

  StageOptions options_;
  std::optional<std::int64_t> window_;
  SlotStore& store_;
  std::int32_t slots_;  // of a lane
  std::map<SequenceId, Lane> lanes_;
  std::vector<std::int64_t> free_lanes_;  // first slots
};

}  // namespace rung
