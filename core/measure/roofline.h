#pragma once

#include <cstdint>

#include "core/stage/cost.h"

namespace rung::measure {

/// What a piece of work must move and compute at the least.
struct Work {
  double bytes = 0;
  double flops = 0;

  /// Arithmetic intensity, FLOPs per byte: above flops_per_second / bytes_per_second of the limits computing
  /// takes longest, below it memory does.
  double intensity() const { return bytes > 0 ? flops / bytes : 0; }
};

/// One forward() over `rows` new positions of one sequence, after `past` remembered ones, of which the last
/// `wanted` want logits: every weight is read once, the keys and values of the past are read and those of the
/// rows written, and row i attends to past + i + 1 positions, or to the window where that is less.
/// Of the experts of a mixture touched_experts() are read. Activations are left out: they stay in the caches.
/// @throws Error (usage) for rows < 1, past < 0 or wanted outside [0, rows]
Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted);

/// One token after `past` remembered ones. A stage that keeps no keys and values (kv_bytes_per_position is 0)
/// runs the past again.
inline Work decode_work(const StageCost& cost, std::int64_t past) {
  return cost.kv_bytes_per_position > 0 ? forward_work(cost, 1, past, 1) : forward_work(cost, past + 1, 0, 1);
}

/// `tokens` tokens of a prompt, with logits of the last.
inline Work prefill_work(const StageCost& cost, std::int64_t tokens) {
  return forward_work(cost, tokens, 0, 1);
}

/// What a piece of work is held against.
struct Limits {
  double bytes_per_second = 0;  ///< read_bandwidth()
  double flops_per_second = 0;  ///< fma_peak(), or what a good matrix product reaches: eigen_gemm_rate()
};

/// The least time it can take: whichever is longer, moving the bytes or computing the FLOPs (Williams,
/// Waterman and Patterson, "Roofline", CACM 52(4), 2009).
double least_seconds(const Work& work, const Limits& limits);

}  // namespace rung::measure
