#include <stdexcept>

#include "cuda/gemm/01_naive.cuh"
#include "cuda/gemm/02_coalesced.cuh"
#include "cuda/gemm/03_shared_tiles.cuh"
#include "cuda/gemm/04_rows_in_registers.cuh"
#include "cuda/gemm/05_squares_in_registers.cuh"
#include "cuda/gemm/06_vectors.cuh"
#include "cuda/gemm/07_padded.cuh"
#include "cuda/gemm/08_swizzled.cuh"
#include "cuda/gemm/09_double_buffered.cuh"
#include "cuda/gemm/10_wmma.cuh"
#include "cuda/gemm/11_mma.cuh"
#include "cuda/gemm/12_split_k.cuh"
#include "cuda/gemm/call.h"

namespace rung::cuda {
namespace {

/// fp16 or bf16: what tensor cores multiply here.
template <typename T>
concept HalfSized = sizeof(T) == 2;

}  // namespace

KernelLadder gemm_ladder() {
  KernelLadder ladder;
  ladder.op = "linear";
  ladder.chapter = 14;
  ladder.judged_by = &check::find_op("linear");
  ladder.signature = "template <typename T> void gemm(const T* a, const T* w, T* c, GemmShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(14);
    check::Case problem;
    problem.op = "linear";
    problem.type = type;
    problem.name = "measured";
    problem.description = "M=256 N=256 K=256";
    problem.params = {{"M", 256}, {"N", 256}, {"K", 256}};
    problem.inputs = {check::draw_array(type, random, "x", {256, 256}, check::Style::normal),
                      check::draw_array(type, random, "w", {256, 256}, check::Style::normal)};
    problem.outputs = {check::output("y", {256, 256})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem),
                .flops = 2 * problem.param("M") * problem.param("N") * problem.param("K"),
                .tensor_cores = problem.type != check::NumberType::f32};
  };
  ladder.rungs = {
      gemm_rung({.number = 1,
                 .name = "naive",
                 .news = "a thread computes one number of C, alone",
                 .source = "cuda/gemm/01_naive.cuh",
                 .kernels = {"gemm_01_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_01::run(a, w, c, shape);
                }),
      gemm_rung({.number = 2,
                 .name = "coalesced",
                 .news = "a warp computes one number of C, its lanes side by side along k",
                 .source = "cuda/gemm/02_coalesced.cuh",
                 .kernels = {"gemm_02_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_02::run(a, w, c, shape);
                }),
      gemm_rung({.number = 3,
                 .name = "shared_tiles",
                 .news = "a block uses each number that it loads 32 times, from shared memory",
                 .source = "cuda/gemm/03_shared_tiles.cuh",
                 .kernels = {"gemm_03_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_03::run(a, w, c, shape);
                }),
      gemm_rung({.number = 4,
                 .name = "rows_in_registers",
                 .news = "a thread computes 8 numbers of C, below each other",
                 .source = "cuda/gemm/04_rows_in_registers.cuh",
                 .kernels = {"gemm_04_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_04::run(a, w, c, shape);
                }),
      gemm_rung({.number = 5,
                 .name = "squares_in_registers",
                 .news = "a thread computes 8 × 8 numbers of C",
                 .source = "cuda/gemm/05_squares_in_registers.cuh",
                 .kernels = {"gemm_05_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_05::run(a, w, c, shape);
                }),
      gemm_rung({.number = 6,
                 .name = "vectors",
                 .news = "everything moves 16 bytes at a time",
                 .source = "cuda/gemm/06_vectors.cuh",
                 .kernels = {"gemm_06_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_06::run(a, w, c, shape);
                }),
      gemm_rung({.number = 7,
                 .name = "padded",
                 .news = "rows of a tile are one chunk longer, so that their banks differ",
                 .source = "cuda/gemm/07_padded.cuh",
                 .kernels = {"gemm_07_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_07::run(a, w, c, shape);
                }),
      gemm_rung({.number = 8,
                 .name = "swizzled",
                 .news = "chunks change places by the number of their row; no padding",
                 .source = "cuda/gemm/08_swizzled.cuh",
                 .kernels = {"gemm_08_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_08::run(a, w, c, shape);
                }),
      gemm_rung({.number = 9,
                 .name = "double_buffered",
                 .news = "cp.async brings the next pair of tiles while this one is multiplied",
                 .source = "cuda/gemm/09_double_buffered.cuh",
                 .kernels = {"gemm_09_kernel"}},
                []<typename T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_09::run(a, w, c, shape);
                }),
      gemm_rung({.number = 10,
                 .name = "wmma",
                 .news = "tensor cores, through fragments whose layout is the compiler's secret",
                 .source = "cuda/gemm/10_wmma.cuh",
                 .kernels = {"gemm_10_kernel"}},
                []<HalfSized T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_10::run(a, w, c, shape);
                }),
      gemm_rung({.number = 11,
                 .name = "mma",
                 .news = "mma.sync and ldmatrix on swizzled tiles; three buffers, one barrier a round",
                 .source = "cuda/gemm/11_mma.cuh",
                 .kernels = {"gemm_11_kernel"}},
                []<HalfSized T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_11::run(a, w, c, shape);
                }),
      gemm_rung({.number = 12,
                 .name = "split_k",
                 .news = "several blocks share a sum, for few rows; added up in a fixed order",
                 .source = "cuda/gemm/12_split_k.cuh",
                 .kernels = {"gemm_12_kernel", "gemm_12_add_kernel"}},
                []<HalfSized T>(const T* a, const T* w, T* c, const GemmShape& shape) {
                  gemm_12::run(a, w, c, shape);
                }),
  };
  return ladder;
}

GemmTile gemm_tile(int number) {
  if (number == 1) return {gemm_01::tile_rows, gemm_01::tile_columns};
  if (number == 2) return {gemm_02::tile_rows, gemm_02::tile_columns};
  if (number == 3) return {gemm_03::tile_rows, gemm_03::tile_columns};
  if (number == 4) return {gemm_04::tile_rows, gemm_04::tile_columns};
  if (number == 5) return {gemm_05::tile_rows, gemm_05::tile_columns};
  if (number == 6) return {gemm_06::tile_rows, gemm_06::tile_columns};
  if (number == 7) return {gemm_07::tile_rows, gemm_07::tile_columns};
  if (number == 8) return {gemm_08::tile_rows, gemm_08::tile_columns};
  if (number == 9) return {gemm_09::tile_rows, gemm_09::tile_columns};
  if (number == 10) return {gemm_10::tile_rows, gemm_10::tile_columns};
  if (number == 11) return {gemm_11::tile_rows, gemm_11::tile_columns};
  if (number == 12) return {gemm_12::tile_rows, gemm_12::tile_columns};
  throw std::out_of_range("gemm_tile: no such rung");
}

}  // namespace rung::cuda
