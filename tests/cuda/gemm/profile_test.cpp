// What the rungs of the GEMM ladder do to memory, counted: each rung is better than the one before where its text says so,
// and the last ones are as good as their tiles allow. And the checker: quiet on all of them, not on the wrong ones.

#include "cuda/simt/profile/profile.h"

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cuda/gemm/call.h"
#include "tests/catch.h"
#include "tests/cuda/gemm/gemm_problems.h"
#include "tests/cuda/gemm/profiled_gemm.h"
#include "tests/cuda/gemm/wrong_profiled.h"

using namespace rung;
using check::NumberType;

namespace {

/// Whole tiles of every rung, and enough rounds for every pipeline.
constexpr cuda::LinearShape whole_tiles{256, 256, 128, 0, 0};

/// 32-byte sectors that a product moves when each block reads its rows of A and W once and writes its tile of C.
double least_sectors(const cuda::GemmTile& tile, const cuda::LinearShape& shape, NumberType type) {
  const auto tiles = static_cast<double>(shape.m / tile.rows * (shape.n / tile.columns));
  const double read = tiles * (tile.rows + tile.columns) * static_cast<double>(shape.k);
  return (read + static_cast<double>(shape.m * shape.n)) * static_cast<double>(check::size_of(type)) / 32;
}

/// Everything that is wrong with a launch, one line each.
std::string findings(const simt::Profile& profile) {
  std::string text = profile.error;
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) text += problem.message + "\n";
  }
  return text;
}

/// What is expected of one rung, by hand: chapters/14_gemm/README.md does the sums.
struct Expected {
  double sectors_per_request;
  double l2_over_least;
  double wavefronts_over_ideal;
  std::uint64_t barriers;  ///< of all blocks
  std::uint64_t mma;       ///< instructions of all warps
};

void check_counters(NumberType type, const std::vector<Expected>& ladder, int first) {
  const cuda::KernelLadder rungs = cuda::gemm_ladder();
  for (std::size_t i = 0; i < ladder.size(); ++i) {
    const cuda::KernelRung& rung = rungs.rungs[static_cast<std::size_t>(first - 1) + i];
    const simt::Profile profile = cuda::profiled_gemm(rung, type, whole_tiles);
    const simt::KernelProfile all = profile.total();
    INFO(rung.source << " " << check::name(type));
    CHECK(findings(profile) == "");
    const double least = least_sectors(cuda::gemm_tile(rung.number), whole_tiles, type);
    CHECK(all.global().units_per_request() == Approx(ladder[i].sectors_per_request).margin(0.005));
    CHECK(static_cast<double>(all.l2_sectors) / least == Approx(ladder[i].l2_over_least).margin(0.005));
    CHECK(all.shared().units_over_ideal() == Approx(ladder[i].wavefronts_over_ideal).margin(0.005));
    CHECK(all.block_barriers == ladder[i].barriers);
    CHECK(all.tensor_instructions == ladder[i].mma);
  }
}

}  // namespace

TEST_CASE("the counters of the GEMM ladder in fp32") {
  check_counters(NumberType::f32,
                 {{16.56, 50.67, 1, 0, 0},
                  {3.67, 1.82, 1, 0, 0},
                  {4, 1, 16.03, 512, 0},
                  {4, 1, 2.62, 256, 0},
                  {4, 1, 4.29, 64, 0},
                  {8, 1, 2.41, 64, 0},
                  {8, 1, 1.06, 64, 0},
                  {8, 1, 1, 64, 0},
                  {8, 1, 1, 64, 0}},
                 1);
}

TEST_CASE("the counters of the GEMM ladder on tensor cores") {
  // wmma: fragments come without a conflict, copies into padded rows have two ways, C's way out two in and eight out.
  check_counters(NumberType::f16, {{16, 1, 2.5, 32, 2048}, {16, 1, 1, 16, 4096}}, 10);
}

TEST_CASE("split-K moves what its tiles need, and the sums of its parts twice") {
  const cuda::LinearShape decode{16, 256, 1024, 0, 0};
  const cuda::KernelRung rung = cuda::gemm_ladder().rungs[11];
  const simt::Profile profile = cuda::profiled_gemm(rung, NumberType::bf16, decode);
  CHECK(findings(profile) == "");
  REQUIRE(profile.kernels.size() == 2);
  const double parts = profile.kernels[0].grid[2];
  CHECK(parts == 32);  // 4 tiles of C, 32 rounds of k: as many parts as there are
  const double sums = 2 * parts * 16 * 256 * 4 / 32;  // written and read
  const double least = least_sectors(cuda::gemm_tile(12), decode, NumberType::bf16) + sums;
  const simt::KernelProfile all = profile.total();
  CHECK(static_cast<double>(all.l2_sectors) == Approx(least).epsilon(0.001));
  CHECK(all.shared().units_over_ideal() == 1);
  CHECK(all.global().units_over_ideal() == 1);
}

TEST_CASE("the checker has nothing against any GEMM rung on ragged shapes") {
  for (const cuda::KernelRung& rung : cuda::gemm_ladder().rungs) {
    for (const cuda::LinearShape& shape : {cuda::LinearShape{33, 35, 41, 0, 0}, {5, 67, 72, 8, 0}}) {
      INFO(rung.source << " K=" << shape.k);
      CHECK(findings(cuda::profiled_gemm(rung, rung.types.front(), shape)) == "");
    }
  }
}

TEST_CASE("the checker finds wrong GEMM kernels, and what kind of wrong they are") {
  using simt::ProblemKind;
  const std::map<std::string, ProblemKind> expected = {
      {"columns_unguarded", ProblemKind::out_of_bounds},
      {"c_transposed", ProblemKind::out_of_bounds},
      {"tiles_not_awaited", ProblemKind::race},
      {"tiles_overwritten", ProblemKind::race},
      {"k_unguarded", ProblemKind::out_of_bounds},
      {"rows_unguarded", ProblemKind::out_of_bounds},
      {"result_unguarded", ProblemKind::out_of_bounds},
      {"copies_not_awaited", ProblemKind::unwaited_copy},
      {"copies_not_shared", ProblemKind::race},
      {"fragment_overwritten", ProblemKind::race},
      {"stage_not_awaited", ProblemKind::unwaited_copy},
      {"stage_overwritten", ProblemKind::race},
      {"stage_not_shared", ProblemKind::race},
      {"parts_in_one_place", ProblemKind::race_across_blocks},
  };
  for (const cuda::WrongKernel& wrong : cuda::wrong_gemm_kernels()) {
    const simt::Profile profile = cuda::profiled_gemm(wrong.rung, wrong.rung.types.front(), wrong.shape);
    INFO(wrong.rung.name << ": " << findings(profile));
    const ProblemKind kind = expected.at(wrong.rung.name);
    bool found = false;
    for (const simt::KernelProfile& kernel : profile.kernels) {
      for (const simt::Problem& problem : kernel.problems) found = found || problem.kind == kind;
    }
    CHECK(found);
  }
}
