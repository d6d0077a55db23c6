#pragma once

#include <cstdint>
#include <span>

namespace rung {

/// A product C[m, n] = A[m, k] · W[n, k]ᵀ whose blocks compute tiles of C.
struct TiledProduct {
  std::int64_t m = 1, n = 1, k = 1;
  std::int64_t tile_rows = 1, tile_columns = 1;
  std::int64_t number_bytes = 4;  ///< of A, W and C
};

/// Bytes between L2 and the multiprocessors when each block reads the rows of A and of W that its tile needs once, and
/// writes its tile of C once. Tiles at the edges read and write only what is there.
std::int64_t tiled_bytes(const TiledProduct& product);

/// Wavefronts that shared memory needs for one load of a warp. It has 32 banks of 4 bytes; word w is in bank w % 32. Lanes
/// that name different words of one bank wait for each other; lanes that name the same word do not. Lanes of 4 bytes are
/// served all together, lanes of 16 bytes by eights, in their order.
/// @param addresses     in bytes, of up to 32 lanes; multiples of `bytes_per_lane`
/// @param bytes_per_lane  4 or 16
int wavefronts(std::span<const std::int64_t> addresses, int bytes_per_lane);

}  // namespace rung
