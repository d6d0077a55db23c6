#include "chapters/07_grouped_query/ring.h"

#include <algorithm>

namespace rung {

std::vector<PositionRun> slot_runs(const SequencePlan& sequence, std::int32_t first, std::int32_t last) {
  std::vector<PositionRun> runs;
  while (first < last) {
    // Positions up to where the ring begins again.
    const std::int32_t left = sequence.ring > 0 ? sequence.ring - first % sequence.ring : last - first;
    const std::int32_t count = std::min(left, last - first);
    runs.push_back({.first = first, .count = count});
    first += count;
  }
  return runs;
}

SequencePlan run_to_write(const SequencePlan& sequence, const PositionRun& run) {
  SequencePlan part = sequence;
  part.first_row += run.first - sequence.past;
  part.past = run.first;
  part.rows = run.count;
  return part;
}

SequencePlan run_to_read(const SequencePlan& sequence, const PositionRun& run) {
  SequencePlan part = sequence;
  part.first_visible = run.first;
  part.past = run.first + run.count;
  part.rows = 0;
  return part;
}

std::int64_t lane_slots(std::optional<std::int64_t> window, std::int64_t max_positions,
                        std::int64_t max_batch) {
  if (!window) return max_positions;
  return std::min(max_positions, *window + max_batch - 1);
}

std::int32_t oldest_seen(std::optional<std::int64_t> window, std::int32_t position) {
  if (!window) return 0;
  return static_cast<std::int32_t>(std::max<std::int64_t>(0, position - *window + 1));
}

std::int32_t oldest_kept(std::int32_t slots, std::int32_t length) {
  return std::max(0, length - slots);
}

std::int32_t shortest_cut(std::optional<std::int64_t> window, std::int32_t oldest) {
  if (!window || oldest == 0) return 1;
  return oldest + static_cast<std::int32_t>(*window);
}

}  // namespace rung
