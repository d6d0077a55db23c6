#pragma once

#include <cstdint>

namespace rung {

/// The numbers that decide what a cache of keys and values costs.
struct CacheShape {
  std::int64_t layers = 0;
  std::int64_t heads = 0;         ///< heads that are stored: all H in this chapter, G in chapter 07
  std::int64_t head_dim = 0;      ///< D
  std::int64_t number_bytes = 4;  ///< of one stored number: 4 in fp32, 2 in fp16
};

/// Bytes of the keys and values of one position, all layers together.
std::int64_t position_bytes(const CacheShape& shape);

/// Bytes to ask for when `sequences` sequences shall each have room for `positions` positions.
std::int64_t cache_bytes(const CacheShape& shape, std::int64_t sequences, std::int64_t positions);

/// Bytes of keys and values that one decode step after `past` remembered positions moves: those of the past
/// are read, those of the new position are written. (It reads them back as well, from the CPU's cache.)
std::int64_t step_bytes(const CacheShape& shape, std::int64_t past);

/// Whole positions whose keys and values fit into `bytes`; 0 when not even one does.
std::int64_t positions_in(const CacheShape& shape, std::int64_t bytes);

}  // namespace rung
