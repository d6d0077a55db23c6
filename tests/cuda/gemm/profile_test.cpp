// What the rungs of the GEMM ladder do to memory, counted: each rung is better than the one before where its text says
// so, and the last ones are as good as their tiles allow.

#include <string>

#include <fmt/format.h>

#include "cuda/gemm/call.h"
#include "cuda/simt/profile/profile.h"
#include "tests/catch.h"
#include "tests/cuda/gemm/gemm_problems.h"
#include "tests/cuda/gemm/profiled_gemm.h"

using namespace rung;
using check::NumberType;

namespace {

/// 32-byte sectors that a product moves when each block reads its rows of A and W once and writes its tile of C.
double least_sectors(const cuda::GemmTile& tile, double m, double n, double k, double number_bytes) {
  const double tiles = m / tile.rows * (n / tile.columns);
  return (tiles * (tile.rows + tile.columns) * k + m * n) * number_bytes / 32;
}

}  // namespace

TEST_CASE("the counters of the GEMM ladder", "[.table]") {
  for (const NumberType type : {NumberType::f32, NumberType::f16}) {
    for (const cuda::KernelRung& rung : cuda::gemm_ladder().rungs) {
      if (rung.types.size() == 2 && type == NumberType::f32) continue;
      const simt::Profile profile = cuda::profiled_gemm(rung, type, {256, 256, 256, 0, 0});
      const simt::KernelProfile all = profile.total();
      fmt::print("{:2} {:22} {:4} sectors/request {:6.2f} (ideal {:5.2f})  L2 / tiling {:6.3f}  wavefronts/ideal {:6.3f} "
                 "(loads {:6.3f}, stores {:6.3f})  barriers {:5} mma {:5} DRAM/min {:5.2f} {} {}\n",
                 rung.number, rung.name, check::name(type), all.global().units_per_request(),
                 all.global().ideal_per_request(),
                 static_cast<double>(all.l2_sectors) /
                     least_sectors(cuda::gemm_tile(rung.number), 256, 256, 256, static_cast<double>(check::size_of(type))),
                 all.shared().units_over_ideal(), all.shared_loads.units_over_ideal(),
                 all.shared_stores.units_over_ideal(), all.block_barriers, all.tensor_instructions,
                 static_cast<double>(all.dram_bytes()) / static_cast<double>(profile.unique_bytes_loaded + profile.unique_bytes_stored),
                 profile.quiet() ? "quiet" : "NOT QUIET",
                 profile.quiet() ? "" : profile.error + (profile.kernels[0].problems.empty() ? "" : profile.kernels[0].problems[0].message));
    }
  }
}
