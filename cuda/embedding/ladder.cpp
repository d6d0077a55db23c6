#include <cstdint>
#include <set>
#include <vector>

#include "cuda/embedding/01_row_per_thread.cuh"
#include "cuda/embedding/02_row_per_block.cuh"
#include "cuda/embedding/03_vectors.cuh"
#include "cuda/embedding/call.h"

namespace rung::cuda {

KernelLadder embedding_ladder() {
  KernelLadder ladder;
  ladder.op = "embedding";
  ladder.judged_by = &check::find_kernel_op("embedding");
  ladder.signature =
      "template <typename T> void embedding(T* y, const T* table, const int* ids, EmbeddingShape shape)";
  ladder.measured = [](check::NumberType type) {
    check::Random random(13);
    std::vector<std::int64_t> ids(64);
    for (std::int64_t& id : ids) id = random.below(256);
    check::Case problem;
    problem.op = "embedding";
    problem.type = type;
    problem.name = "measured";
    problem.description = "tokens=64 n=1024, 256 rows in the table";
    problem.params = {{"tokens", 64}, {"n", 1024}};
    problem.inputs = {check::whole_array("ids", ids),
                      check::draw_array(type, random, "table", {256, 1024}, check::Style::normal)};
    problem.outputs = {check::output("y", {64, 1024})};
    return problem;
  };
  ladder.work = [](const check::Case& problem) {
    // Of the table, the rows that are asked for, each once.
    const auto ids = problem.input("ids").row(0);
    const std::set<float> different(ids.begin(), ids.end());
    const double row = problem.param("n") * static_cast<double>(check::size_of(problem.type));
    return Work{.bytes = 4 * static_cast<double>(ids.size()) +
                         row * static_cast<double>(different.size() + ids.size())};
  };
  ladder.rungs = {
      embedding_rung({.number = 1,
                      .name = "row_per_thread",
                      .news = "one thread per row",
                      .source = "cuda/embedding/01_row_per_thread.cuh",
                      .kernels = {"embedding_01_kernel"}},
                     [](auto... arguments) { embedding_01(arguments...); }),
      embedding_rung({.number = 2,
                      .name = "row_per_block",
                      .news = "one block per row",
                      .source = "cuda/embedding/02_row_per_block.cuh",
                      .kernels = {"embedding_02_kernel"}},
                     [](auto... arguments) { embedding_02(arguments...); }),
      embedding_rung({.number = 3,
                      .name = "vectors",
                      .news = "16 bytes per load and store",
                      .source = "cuda/embedding/03_vectors.cuh",
                      .kernels = {"embedding_03_kernel"}},
                     [](auto... arguments) { embedding_03(arguments...); }),
  };
  return ladder;
}

}  // namespace rung::cuda
