#include <cstdint>
#include <numeric>
#include <vector>

#include "cuda/rope/01_head_per_thread.cuh"
#include "cuda/rope/02_pair_per_thread.cuh"
#include "cuda/rope/03_shared_angles.cuh"
#include "cuda/rope/04_vectors.cuh"
#include "cuda/rope/05_swizzled.cuh"
#include "cuda/rope/call.h"

namespace rung::cuda {

KernelLadder rope_ladder() {
  KernelLadder ladder;
  ladder.op = "rope";
  ladder.judged_by = &check::find_op("rope");
  ladder.signature =
      "template <typename T> void rope(T* y, const T* x, const int* positions, RopeShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    std::vector<std::int64_t> positions(32);
    std::iota(positions.begin(), positions.end(), 100);
    check::Case problem;
    problem.op = "rope";
    problem.type = type;
    problem.name = "measured";
    problem.description = "T=32 H=8 D=128, interleaved";
    problem.params = {{"T", 32}, {"H", 8}, {"D", 128}, {"layout", 1}, {"theta", 10000}};
    problem.inputs = {check::whole_array("positions", positions),
                      check::draw_array(type, random, "x", {32, 8, 128}, check::Style::normal)};
    problem.outputs = {check::output("y", {32, 8, 128})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    return Work{.bytes = bytes_of(problem),
                .flops = 3 * problem.param("T") * problem.param("H") * problem.param("D")};
  };
  ladder.rungs = {
      rope_rung({.number = 1,
                 .name = "head_per_thread",
                 .news = "one thread per head",
                 .source = "cuda/rope/01_head_per_thread.cuh",
                 .kernels = {"rope_01_kernel"}},
                [](auto... arguments) { rope_01(arguments...); }),
      rope_rung({.number = 2,
                 .name = "pair_per_thread",
                 .news = "one thread per pair of numbers",
                 .source = "cuda/rope/02_pair_per_thread.cuh",
                 .kernels = {"rope_02_kernel"}},
                [](auto... arguments) { rope_02(arguments...); }),
      rope_rung({.number = 3,
                 .name = "shared_angles",
                 .news = "cos and sin worked out once per token, in shared memory",
                 .source = "cuda/rope/03_shared_angles.cuh",
                 .kernels = {"rope_03_kernel"}},
                [](auto... arguments) { rope_03(arguments...); }),
      rope_rung({.number = 4,
                 .name = "vectors",
                 .news = "16 bytes per load and store",
                 .source = "cuda/rope/04_vectors.cuh",
                 .kernels = {"rope_04_kernel"}},
                [](auto... arguments) { rope_04(arguments...); }),
      rope_rung({.number = 5,
                 .name = "swizzled",
                 .news = "angles in shared memory placed so that no two lanes meet in a bank",
                 .source = "cuda/rope/05_swizzled.cuh",
                 .kernels = {"rope_05_kernel"}},
                [](auto... arguments) { rope_05(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
