#include <cmath>
#include <string>

#include "cuda/attention/01_naive.cuh"
#include "cuda/attention/02_online.cuh"
#include "cuda/attention/03_tiled.cuh"
#include "cuda/attention/04_mma.cuh"
#include "cuda/attention/05_double_buffered.cuh"
#include "cuda/attention/06_swizzled.cuh"
#include "cuda/attention/call.h"

namespace rung::cuda {
namespace {

/// fp16 or bf16: what tensor cores multiply here.
template <typename T>
concept HalfSized = sizeof(T) == 2;

}  // namespace

check::Case attention_problem(check::NumberType type, int tokens) {
  constexpr int heads = 4;
  constexpr int kv_heads = 1;
  constexpr int head_dim = 64;
  check::Random random(15);
  check::Case problem;
  problem.op = "attention";
  problem.type = type;
  problem.name = "measured";
  problem.description = "T=S=" + std::to_string(tokens) + " H=4 G=1 D=64 causal";
  problem.params = {{"T", static_cast<double>(tokens)},
                    {"S", static_cast<double>(tokens)},
                    {"H", heads},
                    {"G", kv_heads},
                    {"D", head_dim},
                    {"causal", 1},
                    {"window", 0},
                    {"first_position", 0},
                    {"scale", 1 / std::sqrt(static_cast<double>(head_dim))}};
  problem.inputs = {check::draw_array(type, random, "q", {tokens, heads, head_dim}, check::Style::normal),
                    check::draw_array(type, random, "k", {tokens, kv_heads, head_dim}, check::Style::normal),
                    check::draw_array(type, random, "v", {tokens, kv_heads, head_dim}, check::Style::normal)};
  problem.outputs = {check::output("out", {tokens, heads, head_dim})};
  return problem;
}

std::vector<AttentionSequence> attention_sequences(const Plan& plan) {
  std::vector<AttentionSequence> sequences(plan.sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const SequencePlan& one = plan.sequences[i];
    sequences[i] = {.first_row = one.first_row,
                    .rows = one.rows,
                    .past = one.past,
                    .keys = one.length(),
                    .first_slot = static_cast<int>(one.first_slot),
                    .ring = one.ring};
  }
  return sequences;
}

template <typename T>
void attention_by(int number, const T* q, const T* k, const T* v, T* out, float* lse,
                  const AttentionShape& shape) {
  if (number == 1) attention_01::run(q, k, v, out, lse, shape);
  if (number == 2) attention_02::run(q, k, v, out, lse, shape);
  if (number == 3) attention_03::run(q, k, v, out, lse, shape);
  if constexpr (HalfSized<T>) {
    if (number == 4) attention_04::run(q, k, v, out, lse, shape);
    if (number == 5) attention_05::run(q, k, v, out, lse, shape);
    if (number == 6) attention_06::run(q, k, v, out, lse, shape);
  } else if (number > 3) {
    throw Error(ErrorKind::unsupported, fmt::runtime("attention: tensor cores multiply numbers of 16 bits"));
  }
  simt::synchronize();
}
template void attention_by(int, const float*, const float*, const float*, float*, float*,
                           const AttentionShape&);
template void attention_by(int, const __half*, const __half*, const __half*, __half*, float*,
                           const AttentionShape&);
template void attention_by(int, const __nv_bfloat16*, const __nv_bfloat16*, const __nv_bfloat16*,
                           __nv_bfloat16*, float*, const AttentionShape&);

KernelLadder attention_ladder() {
  KernelLadder ladder;
  ladder.op = "attention";
  ladder.chapter = 15;
  ladder.judged_by = &check::find_op("attention");
  ladder.signature =
      "template <typename T> void attention(const T* q, const T* k, const T* v, T* out, float* lse, const "
      "AttentionShape& shape)";
  ladder.measured = [](check::NumberType type) { return attention_problem(type, 256); };
  ladder.work = [](const check::Case& problem) {
    // A causal query sees half of the keys, its own among them: q·k and weights·v, two flops each.
    const double scores = problem.param("T") * (problem.param("T") + 1) / 2 * problem.param("H");
    return Work{.bytes = bytes_of(problem),
                .flops = 4 * scores * problem.param("D"),
                .tensor_cores = problem.type != check::NumberType::f32};
  };
  ladder.rungs = {
      attention_rung(
          {.number = 1,
           .name = "naive",
           .news = "three kernels; all scores go to memory and come back",
           .source = "cuda/attention/01_naive.cuh",
           .kernels = {"attention_01_scores_kernel", "attention_01_softmax_kernel",
                       "attention_01_values_kernel"}},
          []<typename T>(const T* q, const T* k, const T* v, T* out, float* lse,
                         const AttentionShape& shape) { attention_01::run(q, k, v, out, lse, shape); }),
      attention_rung(
          {.number = 2,
           .name = "online",
           .news = "one kernel, a warp per query; the softmax goes along with the keys",
           .source = "cuda/attention/02_online.cuh",
           .kernels = {"attention_02_kernel"}},
          []<typename T>(const T* q, const T* k, const T* v, T* out, float* lse,
                         const AttentionShape& shape) { attention_02::run(q, k, v, out, lse, shape); }),
      attention_rung(
          {.number = 3,
           .name = "tiled",
           .news = "32 queries use a tile of keys and values from shared memory",
           .source = "cuda/attention/03_tiled.cuh",
           .kernels = {"attention_03_kernel"}},
          []<typename T>(const T* q, const T* k, const T* v, T* out, float* lse,
                         const AttentionShape& shape) { attention_03::run(q, k, v, out, lse, shape); }),
      attention_rung(
          {.number = 4,
           .name = "mma",
           .news = "tensor cores; scores and weights stay in registers",
           .source = "cuda/attention/04_mma.cuh",
           .kernels = {"attention_04_kernel"}},
          []<HalfSized T>(const T* q, const T* k, const T* v, T* out, float* lse,
                          const AttentionShape& shape) { attention_04::run(q, k, v, out, lse, shape); }),
      attention_rung(
          {.number = 5,
           .name = "double_buffered",
           .news = "cp.async brings the next tile while this one is multiplied",
           .source = "cuda/attention/05_double_buffered.cuh",
           .kernels = {"attention_05_kernel"}},
          []<HalfSized T>(const T* q, const T* k, const T* v, T* out, float* lse,
                          const AttentionShape& shape) { attention_05::run(q, k, v, out, lse, shape); }),
      attention_rung(
          {.number = 6,
           .name = "swizzled",
           .news = "ldmatrix, also transposed, out of tiles without bank conflicts",
           .source = "cuda/attention/06_swizzled.cuh",
           .kernels = {"attention_06_kernel"}},
          []<HalfSized T>(const T* q, const T* k, const T* v, T* out, float* lse,
                          const AttentionShape& shape) { attention_06::run(q, k, v, out, lse, shape); }),
  };
  return ladder;
}

}  // namespace rung::cuda
