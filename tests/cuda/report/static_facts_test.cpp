#include "cuda/report/static_facts.h"

#include <algorithm>
#include <filesystem>

#include "cuda/ladder.h"
#include "cuda/report/measure.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

TEST_CASE("the report of ptxas is read") {
  // As nvcc 13.0 writes it.
  const auto facts = read_ptxas_report(
      "ptxas info    : 24 bytes gmem, 8 bytes cmem[4]\n"
      "ptxas info    : Compiling entry function "
      "'_ZN4rung4cuda13add_02_kernelI6__halfEEvPT_PKS3_S6_NS0_8AddShapeE' for "
      "'sm_89'\n"
      "ptxas info    : Function properties for "
      "_ZN4rung4cuda13add_02_kernelI6__halfEEvPT_PKS3_S6_NS0_8AddShapeE\n"
      "    32 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n"
      "ptxas info    : Used 28 registers, used 1 barriers, 512 bytes smem, 396 bytes cmem[0]\n"
      "ptxas info    : Compile time = 81.397 ms\n");
  REQUIRE(facts.size() == 1);
  CHECK(facts[0].architecture == 89);
  CHECK(facts[0].registers == 28);
  CHECK(facts[0].shared_bytes == 512);
  CHECK(facts[0].spill_stores == 4);
  CHECK(facts[0].spill_loads == 12);
  CHECK(is_kernel(facts[0].symbol, "add_02_kernel", check::NumberType::f16));
  CHECK_FALSE(is_kernel(facts[0].symbol, "add_02_kernel", check::NumberType::f32));
  CHECK_FALSE(is_kernel(facts[0].symbol, "add_03_kernel", check::NumberType::f16));
  CHECK_FALSE(is_kernel(facts[0].symbol, "dd_02_kernel", check::NumberType::f16));
  CHECK(is_kernel("_ZN4rung9my_kernelEPf", "my_kernel", check::NumberType::bf16));  // no template
}

TEST_CASE("instructions are counted in PTX") {
  const auto counts = read_ptx(
      ".visible .entry one(\n"
      "ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];\n"
      "ld.global.f32 %f5, [%rd1];\n"
      "ld.global.nc.v4.u32 {%r1, %r2, %r3, %r4}, [%rd1];\n"
      ".visible .entry two(\n"
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r5}, {%f1};\n"
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1}, [%r2];\n"
      "cp.async.cg.shared.global [%r1], [%rd2], 16;\n"
      "cp.async.commit_group;\n"
      "cp.async.wait_group 1;\n");
  REQUIRE(counts.size() == 2);
  CHECK(counts[0].symbol == "one");
  CHECK(counts[0].loads_of_16_bytes == 2);
  CHECK(counts[0].mma == 0);
  CHECK(counts[1].mma == 1);
  CHECK(counts[1].ldmatrix == 1);
  CHECK(counts[1].cp_async == 1);
}

TEST_CASE("occupancy is that of the kernel's registers, threads and shared memory") {
  const simt::DeviceDescription& a100 = simt::device_description("a100");
  const KernelRung rung{.kernels = {"k"}};
  simt::Profile profile;
  simt::KernelProfile launch;
  launch.block = {128, 1, 1};
  profile.kernels = {launch};
  StaticFacts facts;
  facts.kernels = {{.symbol = "_Z1kPf", .architecture = 80, .registers = 32},
                   {.symbol = "_Z1kPf", .architecture = 90, .registers = 255}};
  // 65,536 registers hold 16 blocks of 128 threads with 32 each, all that an SM has threads for.
  CHECK(facts_of(facts, rung, check::NumberType::f32, a100, profile)->occupancy == 1);
  facts.kernels[0].registers = 64;  // 8 blocks
  CHECK(facts_of(facts, rung, check::NumberType::f32, a100, profile)->occupancy == 0.5);
  facts.kernels[0].registers = 32;
  facts.kernels[0].shared_bytes = 40 * 1024;  // and 1 KB that the system takes: 4 blocks in 164 KB
  CHECK(facts_of(facts, rung, check::NumberType::f32, a100, profile)->occupancy == 0.25);
  CHECK_FALSE(facts_of(facts, rung, check::NumberType::f32, simt::device_description("rtx4090"), profile));
}

TEST_CASE("where nvcc is, no kernel of chapter 13 spills, and vectors are loads of 16 bytes") {
  const Nvcc nvcc = find_nvcc();
  if (nvcc.program.empty()) {
    WARN(nvcc.missing);
    return;
  }
  // One op: nvcc takes seconds. ./rung kernels shows them all.
  const KernelLadder& ladder = find_kernel_ladder("add");
  const auto source = std::filesystem::path(RUNG_SOURCE_DIR) / "cuda" / ladder.op / "ladder.cpp";
  const StaticFacts facts =
      static_facts(nvcc, RUNG_SOURCE_DIR, source, std::filesystem::temp_directory_path() / "rung-facts-test");
  for (const int architecture : {80, 89, 90}) {
    for (const KernelRung& rung : ladder.rungs) {
      const auto count = std::ranges::count_if(facts.kernels, [&](const KernelFacts& one) {
        return one.architecture == architecture &&
               is_kernel(one.symbol, rung.kernels[0], check::NumberType::bf16);
      });
      CHECK(count == 1);
    }
  }
  for (const KernelFacts& one : facts.kernels) {
    CHECK(one.registers > 0);
    CHECK(one.spill_loads + one.spill_stores == 0);
  }
  for (const PtxCounts& one : facts.ptx)
    CHECK(one.loads_of_16_bytes == (one.symbol.find("add_03_kernel") != std::string::npos ? 2 : 0));
}
