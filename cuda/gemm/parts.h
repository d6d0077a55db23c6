#pragma once

#include <algorithm>

#include "cuda/gemm/shape.h"

/// \file
/// How the split-K rung shares a sum over k among blocks.

namespace rung::cuda {

inline constexpr int part_tile_rows = 16;     ///< of C, that a block computes a part of
inline constexpr int part_tile_columns = 64;  ///< of C
inline constexpr int part_tile_chunks = 4;    ///< of 16 bytes along k, that are in a buffer
/// About two for each multiprocessor of a large device.
inline constexpr int wanted_blocks = 256;

/// How the sum is shared: the same for a shape on every device, and so is the result.
struct Parts {
  int count;   ///< parts of k
  int chunks;  ///< of 16 bytes in each, a multiple of part_tile_chunks
};

// [parts]
/// The parts of a product whose k is `chunks` chunks of 16 bytes.
inline Parts parts_of(int m, int n, int chunks) {
  const int tiles = blocks_of(m, part_tile_rows) * blocks_of(n, part_tile_columns);
  const int rounds = std::max(blocks_of(chunks, part_tile_chunks), 1);
  const int rounds_each = blocks_of(rounds, std::clamp(wanted_blocks / tiles, 1, rounds));
  return {.count = blocks_of(rounds, rounds_each), .chunks = rounds_each * part_tile_chunks};
}
// [parts]

}  // namespace rung::cuda
