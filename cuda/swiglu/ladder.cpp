#include "cuda/swiglu/01_two_kernels.cuh"
#include "cuda/swiglu/02_fused.cuh"
#include "cuda/swiglu/03_vectors.cuh"
#include "cuda/swiglu/call.h"

namespace rung::cuda {

KernelLadder swiglu_ladder() {
  KernelLadder ladder;
  ladder.op = "swiglu";
  ladder.judged_by = &check::find_op("swiglu");
  ladder.signature = "template <typename T> void swiglu(T* y, const T* gate, const T* up, SwigluShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    check::Case problem;
    problem.op = "swiglu";
    problem.type = type;
    problem.name = "measured";
    problem.description = "rows=64 n=1024";
    problem.params = {{"rows", 64}, {"n", 1024}};
    problem.inputs = {check::draw_array(type, random, "gate", {64, 1024}, check::Style::normal),
                      check::draw_array(type, random, "up", {64, 1024}, check::Style::normal)};
    problem.outputs = {check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem), .flops = 4 * problem.param("rows") * problem.param("n")};
  };
  ladder.rungs = {
      swiglu_rung({.number = 1,
                   .name = "two_kernels",
                   .news = "silu and the product as two kernels",
                   .source = "cuda/swiglu/01_two_kernels.cuh",
                   .kernels = {"swiglu_01_silu_kernel", "swiglu_01_product_kernel"}},
                  [](auto... arguments) { swiglu_01(arguments...); }),
      swiglu_rung({.number = 2,
                   .name = "fused",
                   .news = "both in one kernel: silu(gate) stays in a register",
                   .source = "cuda/swiglu/02_fused.cuh",
                   .kernels = {"swiglu_02_kernel"}},
                  [](auto... arguments) { swiglu_02(arguments...); }),
      swiglu_rung({.number = 3,
                   .name = "vectors",
                   .news = "16 bytes per load and store",
                   .source = "cuda/swiglu/03_vectors.cuh",
                   .kernels = {"swiglu_03_kernel"}},
                  [](auto... arguments) { swiglu_03(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
