#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung {

/// Names a sequence that a stage remembers. Chosen by the caller.
using SequenceId = std::int32_t;

// [row]
/// One token to run: the unit of work of a transformer.
struct Row {
  std::int32_t token = 0;
  SequenceId sequence = 0;
  std::int32_t position = 0;  ///< 0 for the first token of a sequence
  bool wants_logits = false;
};
// [row]

/// Rows to run together: a prefill, a chunk of a prefill, a decode step, several sequences, or a mix. The
/// rows of one sequence stand next to each other, and their positions go on where the sequence ended, without
/// holes.
struct Batch {
  std::vector<Row> rows;

  /// Rows that want logits, in order: row i of forward()'s result belongs to the i-th of them.
  std::int64_t wanted() const;

  /// Which tokens of an add() want logits.
  enum class Logits { none, last, all };
  /// Adds `tokens` of one sequence from position `first` on; the last one wants logits, or all, or none.
  void add(SequenceId sequence, std::int32_t first, std::span<const std::int32_t> tokens, Logits logits);
};

}  // namespace rung
