#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace rung::simt::profiling {

inline constexpr unsigned lanes_in_warp = 32;
inline constexpr unsigned sector_bytes = 32;     ///< what global memory is moved in
inline constexpr unsigned shared_banks = 32;     ///< of shared memory,
inline constexpr unsigned bank_word_bytes = 4;   ///< each one word wide
inline constexpr unsigned most_lane_bytes = 16;  ///< the widest access of one thread

/// One instruction of one warp: the lanes that take part and the address that each names.
struct Request {
  std::uint32_t mask = 0;
  unsigned bytes = 0;                                   ///< of each lane, at most most_lane_bytes
  std::array<std::uintptr_t, lanes_in_warp> address{};  ///< of the lanes in the mask
};

/// The different 32-byte sectors of a request, and the fewest that could hold the different bytes it asks for.
struct Sectors {
  unsigned count = 0;
  unsigned ideal = 0;
  std::array<std::uint64_t, std::size_t{2} * lanes_in_warp>
      number{};  ///< address / 32, rising; the first `count`
};
/// Writes them to `out`, whose array is large: it is not made anew for each request.
void find_sectors(const Request& request, Sectors& out);

/// The passes that shared memory needs for a request.
struct Wavefronts {
  unsigned count = 0;
  unsigned ideal = 0;  ///< without a bank conflict
};

/// 32 banks of 4 bytes: lanes that name different words of one bank wait for each other, lanes that name the same word
/// share it. Accesses of up to 4 bytes are served for the whole warp at once, of 8 bytes by half warps, of 16 by
/// quarter warps. With `merge` false (atomics) lanes that name the same word wait for each other too.
Wavefronts count_wavefronts(const Request& request, bool merge = true);

/// Lanes beyond the first that name an address which an earlier lane of the request names.
unsigned count_collisions(const Request& request);

}  // namespace rung::simt::profiling
