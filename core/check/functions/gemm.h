#pragma once

#include <cstdint>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/kernels.h"

// The functions of chapter 14: what a tiled product moves, banks of shared memory, and three kernels.

namespace rung::check {

/// C[m, n] = A[m, k] · W[n, k]ᵀ in tiles.
struct GemmTrafficInput {
  std::int64_t m = 1, n = 1, k = 1, tile_rows = 1, tile_columns = 1, number_bytes = 4;
};
/// Bytes come back.
FunctionCheck<GemmTrafficInput, std::int64_t> gemm_traffic_check();

/// A load of one warp from shared memory.
struct WavefrontsInput {
  std::vector<std::int64_t> addresses;  ///< in bytes, a lane each
  int bytes_per_lane = 4;               ///< 4 or 16
};
/// Wavefronts come back.
FunctionCheck<WavefrontsInput, std::int64_t> wavefronts_check();

/// A product of whole numbers, whose sums are exact in fp32 if they are made in order.
struct GemmKernelInput {
  std::int64_t m = 1, n = 1, k = 1, a_gap = 0, w_gap = 0, c_gap = 0;
  std::int64_t parts = 1;  ///< of k
  bool counted = false;    ///< whether the counters are looked at
  bool order_matters =
      false;  ///< 1 × 3 × 8 with large numbers: in another order than that of the parts C is another

  /// Numbers of C as it lies in memory, from the first to the last.
  std::int64_t c_size() const { return (m - 1) * (n + c_gap) + n; }
  /// A and W as they lie in memory, with NaN in the gaps, which no right result holds.
  std::vector<double> a() const;
  std::vector<double> w() const;  ///< the same for W
};
/// C as it lies in memory comes back.
FunctionCheck<GemmKernelInput, KernelOutcome> tiled_gemm_check();
/// The same of a product whose k is split into parts, and behind C the sums of the parts: [parts, m, n].
FunctionCheck<GemmKernelInput, KernelOutcome> split_gemm_check();

/// A[16, 16] and W[8, 16], whole numbers.
struct MmaTileInput {
  std::vector<double> a, w;
  bool counted = false;  ///< whether the counters are looked at
};
/// C[16, 8] comes back.
FunctionCheck<MmaTileInput, KernelOutcome> mma_tile_check();

}  // namespace rung::check
