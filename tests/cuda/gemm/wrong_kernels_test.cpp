// The checks are checked: kernels with one mistake each, which give wrong numbers or meet at no barrier, are rejected.
// wrong_kernels.cmake says what was changed. Those that read or write where they must not, or only risk wrong numbers,
// are found by the checker of the profiled program.

#include "core/check/check.h"
#include "cuda/gemm/call.h"
#include "tests/catch.h"
#include "tests/cuda/gemm/gemm_problems.h"
#include "wrong/buffers_not_swapped.cuh"
#include "wrong/copies_not_awaited.cuh"
#include "wrong/copies_not_shared.cuh"
#include "wrong/half_of_the_lanes_added.cuh"
#include "wrong/halves_swapped.cuh"
#include "wrong/k_tail_dropped.cuh"
#include "wrong/lane_leaves_early.cuh"
#include "wrong/lanes_not_in_mask.cuh"
#include "wrong/last_part_dropped.cuh"
#include "wrong/multiplied_as_half.cuh"
#include "wrong/parts_in_one_place.cuh"
#include "wrong/parts_overlap.cuh"
#include "wrong/parts_rounded.cuh"
#include "wrong/quad_not_transposed.cuh"
#include "wrong/rows_mixed_up.cuh"
#include "wrong/stage_not_awaited.cuh"
#include "wrong/stage_not_shared.cuh"
#include "wrong/stage_overwritten.cuh"
#include "wrong/swizzled_on_one_side.cuh"
#include "wrong/tile_transposed.cuh"
#include "wrong/tiles_not_awaited.cuh"
#include "wrong/tiles_overwritten.cuh"
#include "wrong/w_row_major.cuh"
#include "wrong/w_transposed.cuh"

using namespace rung;
using check::Report;

namespace {

/// What the harness says of a kernel on a few shapes, at one type.
template <typename T>
Report judged(const char* name, void (*kernel)(const T*, const T*, T*, const cuda::GemmShape&)) {
  static const check::Op op = cuda::linear_with(
      {{33, 35, 65, 0, 0}, {130, 70, 200, 8, 0}, {16, 64, 512, 0, 0}, {3, 129, 41, 0, 0}, {5, 7, 9, 0, 0}});
  const cuda::KernelRung rung = cuda::gemm_rung({.name = name}, kernel);
  REQUIRE(rung.types.size() == 1);
  const check::Candidate candidate{
      .name = name, .op = "linear", .types = rung.types, .run = [&](const check::Call& call) {
        rung.run(call, cuda::Memory::of_the_device);
      }};
  return check::check(op, rung.types[0], candidate);
}

#define REJECTED(name, rung, type)                                                  \
  {                                                                                 \
    const Report report = judged<type>(#name, cuda::wrong_##name::rung::run<type>); \
    INFO(#name << ": " << check::to_text(report));                                  \
    CHECK_FALSE(report.passed);                                                     \
  }

}  // namespace

TEST_CASE("wrong GEMM kernels on CUDA cores are rejected by the harness"){
    REJECTED(w_transposed, gemm_01, float) REJECTED(half_of_the_lanes_added, gemm_02, float)
        REJECTED(lanes_not_in_mask, gemm_02, float) REJECTED(lane_leaves_early, gemm_02, float)
            REJECTED(tiles_not_awaited, gemm_03, float) REJECTED(tiles_overwritten, gemm_03, float)
                REJECTED(tile_transposed, gemm_03, float) REJECTED(k_tail_dropped, gemm_03, float)
                    REJECTED(rows_mixed_up, gemm_05, float) REJECTED(swizzled_on_one_side, gemm_08, float)
                        REJECTED(copies_not_awaited, gemm_09, float)
                            REJECTED(buffers_not_swapped, gemm_09, float)
                                REJECTED(copies_not_shared, gemm_09, float)}

TEST_CASE("wrong GEMM kernels on tensor cores are rejected by the harness") {
  // fragment_overwritten is a race that gives right numbers wherever a lane runs on behind store_matrix_sync(), as here:
  // the checker finds it (profile_test.cpp).
  REJECTED(w_row_major, gemm_10, half)
  REJECTED(stage_not_awaited, gemm_11, half)
  REJECTED(stage_overwritten, gemm_11, half)
  REJECTED(stage_not_shared, gemm_11, half)
  REJECTED(quad_not_transposed, gemm_11, half)
  REJECTED(halves_swapped, gemm_11, half)
  REJECTED(multiplied_as_half, gemm_11, __nv_bfloat16)
  REJECTED(last_part_dropped, gemm_12, half)
  REJECTED(parts_overlap, gemm_12, half)
  REJECTED(parts_in_one_place, gemm_12, half)
  REJECTED(parts_rounded, gemm_12, half)
}
