#pragma once

#include <cstdint>

// What no program can exceed on this machine, as measured now. On a shared machine it changes from minute to
// minute, so measure it next to what is to be compared with it.

namespace rung::measure {

/// Size of the largest cache that the first core uses, as the system tells it, or 32 MiB where it does not.
std::int64_t last_level_cache_bytes();

/// Bytes of a buffer that does not fit the caches by far: 8 times the last level, from 256 MiB to 1 GiB.
std::int64_t bandwidth_buffer_bytes();

/// Bytes per second that `threads` threads read from memory together: every thread sums its own part of a
/// buffer along four streams, as a matrix-vector product reads its rows. The median of passes during about
/// `seconds`.
/// @param buffer_bytes  allocated and freed; much less than the default measures a cache
/// @throws Error (usage) when threads < 1 or there are less than 4 KiB for each; Error (full) when there is
///         no memory
double read_bandwidth(int threads, double seconds = 0.3,
                      std::int64_t buffer_bytes = bandwidth_buffer_bytes());

/// fp32 FLOPs per second of fused multiply-adds on registers, with the vector width that this build was
/// compiled for: what `threads` threads could compute if memory were free. The best of several rounds during
/// about `seconds`, because anything else that runs can only make it lower.
/// @throws Error (usage) when threads < 1
double fma_peak(int threads, double seconds = 0.2);

}  // namespace rung::measure
