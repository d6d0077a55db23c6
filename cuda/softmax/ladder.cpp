#include "cuda/softmax/01_row_per_thread.cuh"
#include "cuda/softmax/02_three_passes.cuh"
#include "cuda/softmax/03_online.cuh"
#include "cuda/softmax/04_warp_per_row.cuh"
#include "cuda/softmax/05_row_in_registers.cuh"
#include "cuda/softmax/call.h"

namespace rung::cuda {

KernelLadder softmax_ladder() {
  KernelLadder ladder;
  ladder.op = "softmax";
  ladder.judged_by = &check::find_op("softmax");
  ladder.signature = "template <typename T> void softmax(T* y, const T* x, SoftmaxShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    check::Case problem;
    problem.op = "softmax";
    problem.type = type;
    problem.name = "measured";
    problem.description = "rows=64 n=1024";
    problem.params = {{"rows", 64}, {"n", 1024}};
    problem.inputs = {check::draw_array(type, random, "x", {64, 1024}, check::Style::normal)};
    problem.outputs = {check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem), .flops = 5 * problem.param("rows") * problem.param("n")};
  };
  ladder.rungs = {
      softmax_rung({.number = 1,
                    .name = "row_per_thread",
                    .news = "one thread per row, three passes",
                    .source = "cuda/softmax/01_row_per_thread.cuh",
                    .kernels = {"softmax_01_kernel"}},
                   [](auto... arguments) { softmax_01(arguments...); }),
      softmax_rung({.number = 2,
                    .name = "three_passes",
                    .news = "one block per row, three passes",
                    .source = "cuda/softmax/02_three_passes.cuh",
                    .kernels = {"softmax_02_kernel"}},
                   [](auto... arguments) { softmax_02(arguments...); }),
      softmax_rung({.number = 3,
                    .name = "online",
                    .news = "maximum and sum in one pass, two passes in all",
                    .source = "cuda/softmax/03_online.cuh",
                    .kernels = {"softmax_03_kernel"}},
                   [](auto... arguments) { softmax_03(arguments...); }),
      softmax_rung({.number = 4,
                    .name = "warp_per_row",
                    .news = "one warp per row: shuffles alone, no barrier",
                    .source = "cuda/softmax/04_warp_per_row.cuh",
                    .kernels = {"softmax_04_kernel"}},
                   [](auto... arguments) { softmax_04(arguments...); }),
      softmax_rung({.number = 5,
                    .name = "row_in_registers",
                    .news = "x is read once, 16 bytes at a time, and kept in registers",
                    .source = "cuda/softmax/05_row_in_registers.cuh",
                    .kernels = {"softmax_05_kernel"}},
                   [](auto... arguments) { softmax_05(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
