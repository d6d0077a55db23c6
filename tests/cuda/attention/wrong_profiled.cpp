#include "tests/cuda/attention/wrong_profiled.h"

#include "cuda/attention/call.h"
#include "wrong/copies_not_awaited.cuh"
#include "wrong/copies_not_shared.cuh"
#include "wrong/fetched_into_its_own_tile.cuh"
#include "wrong/last_tile_unguarded.cuh"
#include "wrong/queries_overwritten.cuh"
#include "wrong/rows_unguarded.cuh"
#include "wrong/staged_not_awaited.cuh"
#include "wrong/tiles_not_awaited.cuh"
#include "wrong/tiles_overwritten.cuh"
#include "wrong/weights_not_awaited.cuh"

namespace rung::cuda {

std::vector<WrongAttention> wrong_attention_kernels() {
  using simt::ProblemKind;
  std::vector<WrongAttention> all;
  const auto add = [&](const char* name, auto* kernel, ProblemKind kind) {
    all.push_back({attention_rung({.name = name}, kernel), kind});
  };
  add("tiles_not_awaited", wrong_tiles_not_awaited::attention_03::run<float>, ProblemKind::race);
  add("tiles_overwritten", wrong_tiles_overwritten::attention_03::run<float>, ProblemKind::race);
  add("weights_not_awaited", wrong_weights_not_awaited::attention_03::run<float>, ProblemKind::race);
  add("last_tile_unguarded", wrong_last_tile_unguarded::attention_03::run<float>, ProblemKind::out_of_bounds);
  add("rows_unguarded", wrong_rows_unguarded::attention_03::run<float>, ProblemKind::out_of_bounds);
  add("staged_not_awaited", wrong_staged_not_awaited::attention_04::run<__half>, ProblemKind::race);
  add("copies_not_awaited", wrong_copies_not_awaited::attention_05::run<__half>, ProblemKind::unwaited_copy);
  add("copies_not_shared", wrong_copies_not_shared::attention_05::run<__half>, ProblemKind::race);
  add("fetched_into_its_own_tile", wrong_fetched_into_its_own_tile::attention_05::run<__half>,
      ProblemKind::race);
  add("queries_overwritten", wrong_queries_overwritten::attention_06::run<__half>, ProblemKind::race);
  return all;
}

}  // namespace rung::cuda
