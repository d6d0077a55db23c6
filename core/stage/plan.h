#pragma once

#include <cstdint>
#include <vector>

#include "core/stage/batch.h"

namespace rung {

// [plan]
/// One sequence's part of a batch, and where its keys and values are.
struct SequencePlan {
  SequenceId sequence = 0;
  std::int32_t first_row = 0;  ///< its rows in the batch: [first_row, first_row + rows)
  std::int32_t rows = 0;
  std::int32_t past = 0;  ///< positions remembered before this batch
  bool is_new = false;    ///< unknown before this batch, so that abort() forgets it
  /// The oldest position that a row of this batch may see. 0 where all is kept; the ring of chapter 07 forgets.
  std::int32_t first_visible = 0;
  std::int64_t first_slot = 0;  ///< flat: position p is in slot first_slot + p
  /// Slots that are used round and round, so that position p is in first_slot + p % ring. 0: flat.
  std::int32_t ring = 0;

  std::int32_t length() const { return past + rows; }  ///< positions after this batch
  /// The slot of a position's keys and values.
  std::int64_t slot(std::int32_t position) const {
    return first_slot + (ring > 0 ? position % ring : position);
  }
};
// [plan]

/// What a batch will read and write, decided before layer 0 runs.
struct Plan {
  std::vector<SequencePlan> sequences;
};

}  // namespace rung
