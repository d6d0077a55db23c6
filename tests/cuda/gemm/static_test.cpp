// What nvcc says of the GEMM ladder without running it. Where there is no nvcc this says so and proves nothing.

#include <filesystem>
#include <string>

#include "cuda/gemm/call.h"
#include "cuda/report/static_facts.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE(
    "no GEMM kernel spills on sm_80, sm_89 or sm_90, and the last rungs hold the instructions they are "
    "about") {
  const cuda::Nvcc nvcc = cuda::find_nvcc();
  if (nvcc.program.empty()) {
    WARN(nvcc.missing);
    return;
  }
  const cuda::StaticFacts facts =
      cuda::static_facts(nvcc, RUNG_SOURCE_DIR,
                         std::filesystem::path(RUNG_SOURCE_DIR) / "cuda/gemm/ladder.cpp", RUNG_FACTS_CACHE);
  const cuda::KernelLadder ladder = cuda::gemm_ladder();
  for (const cuda::KernelRung& rung : ladder.rungs) {
    for (const std::string& kernel : rung.kernels) {
      for (const check::NumberType type : rung.types) {
        INFO(kernel << " " << check::name(type));
        int architectures = 0;
        for (const cuda::KernelFacts& one : facts.kernels) {
          if (!cuda::is_kernel(one.symbol, kernel, type)) continue;
          ++architectures;
          INFO("sm_" << one.architecture);
          CHECK(one.spill_stores + one.spill_loads == 0);
        }
        CHECK(architectures == 3);
      }
    }
  }
  const auto ptx = [&](int number) {
    cuda::PtxCounts found;
    for (const cuda::PtxCounts& one : facts.ptx) {
      if (cuda::is_kernel(one.symbol, ladder.rungs[static_cast<std::size_t>(number - 1)].kernels[0],
                          check::NumberType::f16))
        found = one;
    }
    return found;
  };
  CHECK(ptx(5).loads_of_16_bytes == 0);
  CHECK(ptx(6).loads_of_16_bytes > 0);
  CHECK(ptx(8).cp_async == 0);
  CHECK(ptx(9).cp_async > 0);
  CHECK(ptx(9).mma == 0);
  CHECK(ptx(10).mma > 0);
  CHECK(ptx(10).ldmatrix == 0);  // before the assembler: a fragment is loaded by wmma.load
  for (const int number : {11, 12}) {
    CHECK(ptx(number).mma > 0);
    CHECK(ptx(number).ldmatrix > 0);
    CHECK(ptx(number).cp_async > 0);
  }
}
