#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/check/functions/kernels.h"
#include "cuda/simt/simt.h"

// How a small kernel is judged, a learner's or a chapter's own: it runs under the profiler, and what it did comes back.

namespace rung {

/// What a task allows a right kernel, where a case is counted.
struct Allowed {
  bool counted = false;
  double read_bytes = 0;          ///< from DRAM; 0: any
  double asked_bytes = 0;         ///< of global memory, however well the requests are coalesced; 0: any
  bool shared = true;             ///< whether anything may go through shared memory
  double tile_bytes = 0;          ///< stored in shared memory, and loaded there, at least
  double tile_bytes_at_most = 0;  ///< stored in shared memory; 0: any
  double stored_bytes = 0;        ///< in global memory, each lane's counted; 0: any
  double loading_warps = 0;       ///< of all warps, the share that loads from global memory, at least
  std::uint64_t barriers = 0;     ///< of a block; 0: any
  std::uint64_t exchanges = 0;    ///< of a block, at least
  std::uint64_t tensor_instructions = 0;  ///< exactly so many, of a warp; 0: any
  std::uint64_t blocks = 0;               ///< that store something in the launch in which most do, at least
  double last_reads_bytes = 0;  ///< different bytes that the last launch reads and has not written; 0: any
  double last_asked_bytes = 0;  ///< of global memory by the last launch, as asked_bytes; 0: any
  double times_the_fewest_sectors = 1.25;    ///< of requests to global memory; 0: any
  double times_the_fewest_wavefronts = 1.5;  ///< of requests to shared memory; 0: any
  double times_through_l2 = 1.5;             ///< between L1 and L2, of the different bytes; 0: any
  bool atomics = true;                       ///< whether there may be any in global memory
};

/// Device memory with these numbers.
template <typename T>
simt::device_buffer<T> on_device(const std::vector<double>& numbers) {
  std::vector<T> rounded;
  rounded.reserve(numbers.size());
  for (const double number : numbers) rounded.push_back(static_cast<T>(static_cast<float>(number)));
  simt::device_buffer<T> buffer(rounded.size());
  buffer.upload(std::span<const T>(rounded));
  return buffer;
}

/// What is there.
std::vector<double> from_device(simt::device_buffer<float>& buffer);

/// Runs a kernel under the profiler. In a build without its hooks no race and no count is seen, and the numbers alone
/// tell. Errors: what the host function throws; rung::Error when a launch exceeds a limit.
/// @param count  of numbers of the output
/// @param launch  gets the output
check::KernelOutcome outcome_of(std::int64_t count, const Allowed& allowed,
                                const std::function<void(float*)>& launch);

}  // namespace rung
