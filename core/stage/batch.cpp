#include "core/stage/batch.h"

#include <algorithm>

namespace rung {

std::int64_t Batch::wanted() const {
  return std::ranges::count_if(rows, [](const Row& row) { return row.wants_logits; });
}

void Batch::add(SequenceId sequence, std::int32_t first, std::span<const std::int32_t> tokens,
                Logits logits) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool last = i + 1 == tokens.size();
    rows.push_back({.token = tokens[i],
                    .sequence = sequence,
                    .position = first + static_cast<std::int32_t>(i),
                    .wants_logits = logits == Logits::all || (logits == Logits::last && last)});
  }
}

}  // namespace rung
