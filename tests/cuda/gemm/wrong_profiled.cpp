#include "tests/cuda/gemm/wrong_profiled.h"

#include "cuda/gemm/call.h"
#include "wrong/c_transposed.cuh"
#include "wrong/columns_unguarded.cuh"
#include "wrong/copies_not_awaited.cuh"
#include "wrong/copies_not_shared.cuh"
#include "wrong/fragment_overwritten.cuh"
#include "wrong/k_unguarded.cuh"
#include "wrong/parts_in_one_place.cuh"
#include "wrong/result_unguarded.cuh"
#include "wrong/rows_unguarded.cuh"
#include "wrong/stage_not_awaited.cuh"
#include "wrong/stage_not_shared.cuh"
#include "wrong/stage_overwritten.cuh"
#include "wrong/tiles_not_awaited.cuh"
#include "wrong/tiles_overwritten.cuh"

namespace rung::cuda {

std::vector<WrongKernel> wrong_gemm_kernels() {
  std::vector<WrongKernel> all;
  const auto add = [&](const char* name, auto* kernel, const LinearShape& shape) {
    all.push_back({gemm_rung({.name = name}, kernel), shape});
  };
  add("columns_unguarded", wrong_columns_unguarded::gemm_01::run<float>, {40, 5, 9, 0, 0});
  add("c_transposed", wrong_c_transposed::gemm_01::run<float>, {40, 72, 9, 0, 0});
  add("tiles_not_awaited", wrong_tiles_not_awaited::gemm_03::run<float>, {32, 32, 64, 0, 0});
  add("tiles_overwritten", wrong_tiles_overwritten::gemm_03::run<float>, {32, 32, 64, 0, 0});
  add("k_unguarded", wrong_k_unguarded::gemm_03::run<float>, {33, 35, 41, 0, 0});
  add("rows_unguarded", wrong_rows_unguarded::gemm_03::run<float>, {33, 35, 41, 0, 0});
  add("result_unguarded", wrong_result_unguarded::gemm_03::run<float>, {33, 35, 41, 0, 0});
  add("copies_not_awaited", wrong_copies_not_awaited::gemm_09::run<float>, {128, 128, 64, 0, 0});
  add("copies_not_shared", wrong_copies_not_shared::gemm_09::run<float>, {128, 128, 64, 0, 0});
  add("fragment_overwritten", wrong_fragment_overwritten::gemm_10::run<half>, {128, 128, 64, 0, 0});
  add("stage_not_awaited", wrong_stage_not_awaited::gemm_11::run<half>, {128, 128, 128, 0, 0});
  add("stage_overwritten", wrong_stage_overwritten::gemm_11::run<half>, {128, 128, 128, 0, 0});
  add("stage_not_shared", wrong_stage_not_shared::gemm_11::run<half>, {128, 128, 128, 0, 0});
  add("parts_in_one_place", wrong_parts_in_one_place::gemm_12::run<half>, {16, 64, 128, 0, 0});
  return all;
}

}  // namespace rung::cuda
