#include "cuda/rmsnorm/01_row_per_thread.cuh"
#include "cuda/rmsnorm/02_shared_tree.cuh"
#include "cuda/rmsnorm/03_warp_shuffles.cuh"
#include "cuda/rmsnorm/04_vectors.cuh"
#include "cuda/rmsnorm/05_row_in_registers.cuh"
#include "cuda/rmsnorm/06_shared_weight.cuh"
#include "cuda/rmsnorm/call.h"

namespace rung::cuda {

KernelLadder rmsnorm_ladder() {
  KernelLadder ladder;
  ladder.op = "rmsnorm";
  ladder.judged_by = &check::find_op("rmsnorm");
  ladder.signature =
      "template <typename T> void rmsnorm(T* y, const T* x, const T* weight, RmsNormShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    check::Case problem;
    problem.op = "rmsnorm";
    problem.type = type;
    problem.name = "measured";
    problem.description = "rows=64 n=1024";
    problem.params = {{"rows", 64}, {"n", 1024}, {"eps", 1e-5}};
    problem.inputs = {check::draw_array(type, random, "x", {64, 1024}, check::Style::normal),
                      check::draw_array(type, random, "weight", {1024}, check::Style::normal)};
    problem.outputs = {check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem), .flops = 4 * problem.param("rows") * problem.param("n")};
  };
  ladder.rungs = {
      rmsnorm_rung({.number = 1,
                    .name = "row_per_thread",
                    .news = "one thread per row",
                    .source = "cuda/rmsnorm/01_row_per_thread.cuh",
                    .kernels = {"rmsnorm_01_kernel"}},
                   [](auto... arguments) { rmsnorm_01(arguments...); }),
      rmsnorm_rung({.number = 2,
                    .name = "shared_tree",
                    .news = "one block per row, its sums added up by a tree in shared memory",
                    .source = "cuda/rmsnorm/02_shared_tree.cuh",
                    .kernels = {"rmsnorm_02_kernel"}},
                   [](auto... arguments) { rmsnorm_02(arguments...); }),
      rmsnorm_rung({.number = 3,
                    .name = "warp_shuffles",
                    .news = "sums added up by shuffles, one number per warp through shared memory",
                    .source = "cuda/rmsnorm/03_warp_shuffles.cuh",
                    .kernels = {"rmsnorm_03_kernel"}},
                   [](auto... arguments) { rmsnorm_03(arguments...); }),
      rmsnorm_rung({.number = 4,
                    .name = "vectors",
                    .news = "16 bytes per load and store",
                    .source = "cuda/rmsnorm/04_vectors.cuh",
                    .kernels = {"rmsnorm_04_kernel"}},
                   [](auto... arguments) { rmsnorm_04(arguments...); }),
      rmsnorm_rung({.number = 5,
                    .name = "row_in_registers",
                    .news = "x is read once and kept in registers",
                    .source = "cuda/rmsnorm/05_row_in_registers.cuh",
                    .kernels = {"rmsnorm_05_kernel"}},
                   [](auto... arguments) { rmsnorm_05(arguments...); }),
      rmsnorm_rung({.number = 6,
                    .name = "shared_weight",
                    .news = "16 rows a block, for which the weight is read once",
                    .source = "cuda/rmsnorm/06_shared_weight.cuh",
                    .kernels = {"rmsnorm_06_kernel"}},
                   [](auto... arguments) { rmsnorm_06(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
