#include "cuda/add_rmsnorm/01_two_kernels.cuh"
#include "cuda/add_rmsnorm/02_fused.cuh"
#include "cuda/add_rmsnorm/03_shared_weight.cuh"
#include "cuda/add_rmsnorm/call.h"

namespace rung::cuda {

KernelLadder add_rmsnorm_ladder() {
  KernelLadder ladder;
  ladder.op = "add_rmsnorm";
  ladder.judged_by = &check::find_kernel_op("add_rmsnorm");
  ladder.signature =
      "template <typename T> void add_rmsnorm(T* sum, T* y, const T* x, const T* residual, const T* weight, "
      "AddRmsNormShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    check::Case problem;
    problem.op = "add_rmsnorm";
    problem.type = type;
    problem.name = "measured";
    problem.description = "rows=64 n=1024";
    problem.params = {{"rows", 64}, {"n", 1024}, {"eps", 1e-5}};
    problem.inputs = {check::draw_array(type, random, "x", {64, 1024}, check::Style::normal),
                      check::draw_array(type, random, "residual", {64, 1024}, check::Style::normal),
                      check::draw_array(type, random, "weight", {1024}, check::Style::normal)};
    problem.outputs = {check::output("sum", {64, 1024}), check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem), .flops = 5 * problem.param("rows") * problem.param("n")};
  };
  ladder.rungs = {
      add_rmsnorm_rung({.number = 1,
                        .name = "two_kernels",
                        .news = "add/03 and rmsnorm/05, one after the other",
                        .source = "cuda/add_rmsnorm/01_two_kernels.cuh",
                        .kernels = {"add_03_kernel", "rmsnorm_05_kernel"}},
                       [](auto... arguments) { add_rmsnorm_01(arguments...); }),
      add_rmsnorm_rung({.number = 2,
                        .name = "fused",
                        .news = "both in one kernel: the sum stays in registers",
                        .source = "cuda/add_rmsnorm/02_fused.cuh",
                        .kernels = {"add_rmsnorm_02_kernel"}},
                       [](auto... arguments) { add_rmsnorm_02(arguments...); }),
      add_rmsnorm_rung({.number = 3,
                        .name = "shared_weight",
                        .news = "16 rows a block, for which the weight is read once",
                        .source = "cuda/add_rmsnorm/03_shared_weight.cuh",
                        .kernels = {"add_rmsnorm_03_kernel"}},
                       [](auto... arguments) { add_rmsnorm_03(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
