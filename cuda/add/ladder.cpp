#include "cuda/add/01_piece_per_thread.cuh"
#include "cuda/add/02_coalesced.cuh"
#include "cuda/add/03_vectors.cuh"
#include "cuda/add/call.h"

namespace rung::cuda {

KernelLadder add_ladder() {
  KernelLadder ladder;
  ladder.op = "add";
  ladder.judged_by = &check::find_kernel_op("add");
  ladder.signature = "template <typename T> void add(T* y, const T* a, const T* b, AddShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    check::Case problem;
    problem.op = "add";
    problem.type = type;
    problem.name = "measured";
    problem.description = "rows=64 n=1024";
    problem.params = {{"rows", 64}, {"n", 1024}};
    problem.inputs = {check::draw_array(type, random, "a", {64, 1024}, check::Style::normal),
                      check::draw_array(type, random, "b", {64, 1024}, check::Style::normal)};
    problem.outputs = {check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem), .flops = problem.param("rows") * problem.param("n")};
  };
  ladder.rungs = {
      add_rung({.number = 1,
                .name = "piece_per_thread",
                .news = "one thread per piece of consecutive columns",
                .source = "cuda/add/01_piece_per_thread.cuh",
                .kernels = {"add_01_kernel"}},
               [](auto... arguments) { add_01(arguments...); }),
      add_rung({.number = 2,
                .name = "coalesced",
                .news = "neighbouring threads take neighbouring columns",
                .source = "cuda/add/02_coalesced.cuh",
                .kernels = {"add_02_kernel"}},
               [](auto... arguments) { add_02(arguments...); }),
      add_rung({.number = 3,
                .name = "vectors",
                .news = "16 bytes per load and store",
                .source = "cuda/add/03_vectors.cuh",
                .kernels = {"add_03_kernel"}},
               [](auto... arguments) { add_03(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
