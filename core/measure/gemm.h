#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/checkpoint/checkpoint.h"

namespace rung::measure {

/// A weight [out, in] that a model applies `count` times to every token: once in each layer, say.
struct LinearShape {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t count = 1;
};

/// FLOPs per second of Eigen's own threaded matrix product at y [rows, out] = x [rows, in] · Wᵀ, W [out, in]
/// row-major fp32, over all `shapes` together: all FLOPs by all time, each shape weighted with its count.
///
/// What a prefill is compared with. Each shape is run once to warm up and then `repeats` times, of which the
/// median counts.
/// @throws Error (usage) for no shape, an extent < 1, threads < 1 or repeats < 1
double eigen_gemm_rate(std::span<const LinearShape> shapes, std::int64_t rows, int threads, int repeats = 5);

/// The linear layers of the checkpoint's blocks, equal ones counted together; not the output matrix, which
/// only rows that want logits go through.
std::vector<LinearShape> layer_shapes(const Checkpoint& checkpoint);

}  // namespace rung::measure
