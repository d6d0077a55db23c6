// What nvcc says of the attention ladder without running it. Where there is no nvcc this says so and proves nothing.

#include <filesystem>
#include <string>

#include "cuda/attention/call.h"
#include "cuda/report/static_facts.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE(
    "no attention kernel spills on sm_80, sm_89 or sm_90 for heads of 64 to 128 numbers, and the last rungs "
    "hold the instructions they are "
    "about") {
  const cuda::Nvcc nvcc = cuda::find_nvcc();
  if (nvcc.program.empty()) {
    WARN(nvcc.missing);
    return;
  }
  const cuda::StaticFacts facts = cuda::static_facts(
      nvcc, RUNG_SOURCE_DIR, std::filesystem::path(RUNG_SOURCE_DIR) / "cuda/attention/ladder.cpp",
      RUNG_FACTS_CACHE);
  const cuda::KernelLadder ladder = cuda::attention_ladder();
  for (const cuda::KernelRung& rung : ladder.rungs) {
    for (const std::string& kernel : rung.kernels) {
      for (const check::NumberType type : rung.types) {
        INFO(kernel << " " << check::name(type));
        int kernels = 0;
        for (const cuda::KernelFacts& one : facts.kernels) {
          if (!cuda::is_kernel(one.symbol, kernel, type)) continue;
          ++kernels;
          INFO("sm_" << one.architecture << " " << one.symbol);
          // Rungs 5 and 6 keep 128 sums of a thread for a head of 256 numbers, and lay a few other numbers aside.
          if (one.symbol.find("Li256") == std::string::npos) CHECK(one.spill_stores + one.spill_loads == 0);
          CHECK(one.spill_stores + one.spill_loads < 100);
        }
        CHECK(kernels % 3 == 0);  // three architectures
        CHECK(kernels > 0);
      }
    }
  }
  const auto ptx = [&](int number) {  // of all widths of a head
    cuda::PtxCounts sum;
    for (const cuda::PtxCounts& one : facts.ptx) {
      if (!cuda::is_kernel(one.symbol, ladder.rungs[static_cast<std::size_t>(number - 1)].kernels[0],
                           check::NumberType::f16))
        continue;
      sum.mma += one.mma;
      sum.ldmatrix += one.ldmatrix;
      sum.cp_async += one.cp_async;
      sum.loads_of_16_bytes += one.loads_of_16_bytes;
    }
    return sum;
  };
  CHECK(ptx(3).mma == 0);
  CHECK(ptx(4).mma > 0);
  CHECK(ptx(4).loads_of_16_bytes > 0);
  CHECK(ptx(4).cp_async == 0);
  CHECK(ptx(5).mma > 0);
  CHECK(ptx(5).cp_async > 0);
  CHECK(ptx(5).ldmatrix == 0);
  CHECK(ptx(6).mma > 0);
  CHECK(ptx(6).cp_async > 0);
  CHECK(ptx(6).ldmatrix > 0);
}
