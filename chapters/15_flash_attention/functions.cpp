#include "chapters/15_flash_attention/functions.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chapters/13_simt/kernel_outcome.h"
#include "chapters/15_flash_attention/mma_attention.h"
#include "chapters/15_flash_attention/online_attention.h"
#include "chapters/15_flash_attention/online_softmax.h"
#include "chapters/15_flash_attention/tiled_attention.h"
#include "core/check/functions/flash_attention.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;
using check::KernelOutcome;

OnlineSoftmax softmax_of(const check::OnlineSoftmaxInput& input, std::size_t first, std::size_t end) {
  OnlineSoftmax state = OnlineSoftmax::none(input.size);
  for (std::size_t key = first; key < end; ++key) {
    const Numbers value = input.value(key);
    add_key(state, static_cast<float>(input.scores[key]), std::vector<float>(value.begin(), value.end()));
  }
  return state;
}

Numbers numbers_of(const OnlineSoftmax& state) {
  Numbers numbers{state.max, state.sum};
  numbers.insert(numbers.end(), state.value.begin(), state.value.end());
  return numbers;
}

Numbers run_online_softmax(const check::OnlineSoftmaxInput& input) {
  return numbers_of(softmax_of(input, 0, input.scores.size()));
}

/// Of some of the keys; right, whatever the learner's add_key is.
OnlineSoftmax part_of(const check::OnlineSoftmaxInput& input, std::size_t first, std::size_t end) {
  const Numbers numbers = input.state(first, end);
  return {.max = static_cast<float>(numbers[0]),
          .sum = static_cast<float>(numbers[1]),
          .value = std::vector<float>(numbers.begin() + 2, numbers.end())};
}

Numbers run_merged_softmax(const check::OnlineSoftmaxInput& input) {
  return numbers_of(merged(part_of(input, 0, input.split), part_of(input, input.split, input.scores.size())));
}

/// Bytes of so many numbers of fp32.
double floats(std::int64_t count) {
  return sizeof(float) * static_cast<double>(count);
}

using PromptKernel = void (*)(const float*, const float*, const float*, float*, const Prompt&);

KernelOutcome run_prompt(const check::PromptInput& input, const Allowed& allowed, PromptKernel kernel) {
  const simt::device_buffer<float> q = on_device<float>(input.q());
  const simt::device_buffer<float> k = on_device<float>(input.k());
  const simt::device_buffer<float> v = on_device<float>(input.v());
  const Prompt prompt{.rows = static_cast<int>(input.rows),
                      .past = static_cast<int>(input.past),
                      .heads = static_cast<int>(input.heads),
                      .kv_heads = static_cast<int>(input.kv_heads),
                      .head_dim = static_cast<int>(input.head_dim),
                      .window = static_cast<int>(input.window),
                      .scale = static_cast<float>(input.scale())};
  return check::prompt_without_counts(
      input, outcome_of(input.rows * input.heads * input.head_dim, allowed,
                        [&](float* out) { kernel(q.data(), k.data(), v.data(), out, prompt); }));
}

/// Of queries and results.
std::int64_t rows_size(const check::PromptInput& input) {
  return 2 * input.rows * input.heads * input.head_dim;
}

KernelOutcome run_online_attention(const check::PromptInput& input) {
  // Counted where one query sees all keys. It may be loaded anew for each of them: it is near then.
  const double once = floats(2 * input.keys() * input.kv_heads * input.head_dim + rows_size(input));
  return run_prompt(input,
                    {.counted = input.counted,
                     .read_bytes = 1.25 * once,
                     .asked_bytes = 2 * once,
                     .exchanges = static_cast<std::uint64_t>(input.keys()),
                     .times_the_fewest_wavefronts = 0,
                     .times_through_l2 = 0},
                    online_attention);
}

KernelOutcome run_tiled_attention(const check::PromptInput& input) {
  const double tiles = floats(2 * check::prompt_keys_of_blocks(input) * input.head_dim);
  // A warp's four lanes of a query agree at least once for 32 keys, twice as many as a round has. Conflicts in shared
  // memory and half sectors of the result are no part of the task.
  constexpr std::int64_t warps = 4, keys = 32;
  const std::int64_t blocks =
      (input.rows + check::prompt_tile_rows - 1) / check::prompt_tile_rows * input.heads;
  return run_prompt(
      input,
      {.counted = input.counted,
       .asked_bytes = 1.5 * (tiles + floats(rows_size(input))),
       .tile_bytes = tiles,
       .exchanges = static_cast<std::uint64_t>(warps * check::prompt_keys_of_blocks(input) / blocks / keys),
       .times_the_fewest_sectors = 2,
       .times_the_fewest_wavefronts = 0,
       .times_through_l2 = 0},
      tiled_attention);
}

KernelOutcome run_mma_attention(const check::MmaAttentionInput& input) {
  const simt::device_buffer<half> q = on_device<half>(input.q());
  const simt::device_buffer<half> k = on_device<half>(input.k());
  const simt::device_buffer<half> v = on_device<half>(input.v());
  constexpr std::int64_t out_size = 16 * 8;
  // As in exercise 14.3: the instruction says who needs what.
  constexpr double once = sizeof(half) * (16 + 16 + 8) * 16;
  return outcome_of(
      out_size,
      {.counted = input.counted,
       .asked_bytes = 2 * (once + floats(out_size)),
       .shared = false,
       .tensor_instructions = 3,
       .times_the_fewest_sectors = 0,
       .times_the_fewest_wavefronts = 0,
       .times_through_l2 = 0},
      [&](float* out) { mma_attention(q.data(), k.data(), v.data(), out, static_cast<float>(input.scale)); });
}

}  // namespace

std::vector<check::JudgedFunction> flash_attention_functions() {
  return {
      check::judged<check::OnlineSoftmaxInput, Numbers>(
          check::online_softmax_check(), "chapters/15_flash_attention/online_softmax", run_online_softmax),
      check::judged<check::OnlineSoftmaxInput, Numbers>(
          check::merged_softmax_check(), "chapters/15_flash_attention/online_softmax", run_merged_softmax),
      check::judged<check::PromptInput, KernelOutcome>(check::online_attention_check(),
                                                       "chapters/15_flash_attention/online_attention",
                                                       run_online_attention),
      check::judged<check::PromptInput, KernelOutcome>(
          check::tiled_attention_check(), "chapters/15_flash_attention/tiled_attention", run_tiled_attention),
      check::judged<check::MmaAttentionInput, KernelOutcome>(
          check::mma_attention_check(), "chapters/15_flash_attention/mma_attention", run_mma_attention)};
}

}  // namespace rung
