#include "chapters/15_flash_attention/functions.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "chapters/15_flash_attention/mma_attention.h"
#include "chapters/15_flash_attention/online_attention.h"
#include "chapters/15_flash_attention/online_softmax.h"
#include "chapters/15_flash_attention/tiled_attention.h"
#include "core/check/functions/flash_attention.h"
#include "core/error.h"
#include "cuda/simt/device_buffer.h"
#include "cuda/simt/observer.h"
#include "cuda/simt/profile/profile.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

OnlineSoftmax softmax_of(const check::OnlineSoftmaxInput& input, std::size_t first, std::size_t end) {
  OnlineSoftmax state = OnlineSoftmax::none(check::OnlineSoftmaxInput::size);
  for (std::size_t key = first; key < end; ++key) {
    const Numbers value = check::OnlineSoftmaxInput::value(key);
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
  const Numbers numbers = check::OnlineSoftmaxInput::state(input.scores, first, end);
  return {.max = static_cast<float>(numbers[0]),
          .sum = static_cast<float>(numbers[1]),
          .value = std::vector<float>(numbers.begin() + 2, numbers.end())};
}

Numbers run_merged_softmax(const check::OnlineSoftmaxInput& input) {
  return numbers_of(merged(part_of(input, 0, input.split), part_of(input, input.split, input.scores.size())));
}

/// Device memory with these numbers, and `behind` more numbers that are `filler`.
template <typename T>
simt::device_buffer<T> on_device(const Numbers& numbers, std::size_t behind = 0, float filler = 0) {
  std::vector<T> rounded;
  rounded.reserve(numbers.size() + behind);
  for (const double number : numbers) rounded.push_back(static_cast<T>(static_cast<float>(number)));
  rounded.resize(numbers.size() + behind, static_cast<T>(filler));
  return simt::device_buffer<T>(std::span<const T>(rounded));
}

/// Counts while it lives how often blocks meet at a __syncthreads.
class BarrierCount : public simt::Observer {
 public:
  BarrierCount() : before_(simt::set_observer(this)) {}
  BarrierCount(const BarrierCount&) = delete;
  BarrierCount& operator=(const BarrierCount&) = delete;
  ~BarrierCount() override { simt::set_observer(before_); }

  void block_barrier(simt::Where) override { ++count_; }
  std::int64_t count() const { return count_; }

 private:
  simt::Observer* before_;
  std::int64_t count_ = 0;
};

/// The checker's words on the first access outside an array, empty where there was none. A kernel that was compiled without
/// the profiler's hooks has none.
std::string outside_of(const std::function<void()>& launch) {
  const simt::Profile profile = simt::profile(launch);
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems)
      if (problem.kind == simt::ProblemKind::out_of_bounds) return problem.message;
  }
  if (!profile.error.empty()) throw Error(ErrorKind::bad_input, "{}", profile.error);
  return "";
}

template <typename Kernel>
check::PromptResult run_prompt(const check::PromptInput& input, Kernel kernel) {
  // Behind the arrays there is room for a tile that hangs over. What is read there spoils a result. No room where the
  // checker looks: what is read, but not used, spoils nothing.
  const auto behind = input.bounded ? 0 : static_cast<std::size_t>(32 * input.heads * input.head_dim);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float untouched = -7777;
  const simt::device_buffer<float> q = on_device<float>(input.q(), behind, nan);
  const simt::device_buffer<float> k = on_device<float>(input.k(), behind, nan);
  const simt::device_buffer<float> v = on_device<float>(input.v(), behind, nan);
  const auto count = static_cast<std::size_t>(input.rows * input.heads * input.head_dim);
  simt::device_buffer<float> out = on_device<float>(Numbers(count, 0), behind, untouched);
  const auto launch = [&] {
    kernel(q.data(), k.data(), v.data(), out.data(),
           Prompt{.rows = static_cast<int>(input.rows),
                  .past = static_cast<int>(input.past),
                  .heads = static_cast<int>(input.heads),
                  .kv_heads = static_cast<int>(input.kv_heads),
                  .head_dim = static_cast<int>(input.head_dim),
                  .window = static_cast<int>(input.window),
                  .scale = static_cast<float>(input.scale())});
    simt::synchronize();
  };
  check::PromptResult result;
  if (input.bounded) {
    result.outside = outside_of(launch);
  } else {
    const BarrierCount barriers;
    launch();
    result.barriers = barriers.count();
  }
  const std::vector<float> numbers = out.download();
  const auto end = numbers.begin() + static_cast<std::ptrdiff_t>(count);
  result.out.assign(numbers.begin(), end);
  result.written_behind = std::any_of(end, numbers.end(), [](float number) { return number != untouched; });
  return result;
}

check::PromptResult run_online_attention(const check::PromptInput& input) {
  return run_prompt(input, online_attention);
}

check::PromptResult run_tiled_attention(const check::PromptInput& input) {
  return run_prompt(input, tiled_attention);
}

Numbers run_mma_attention(const check::MmaAttentionInput& input) {
  const simt::device_buffer<half> q = on_device<half>(input.q());
  const simt::device_buffer<half> k = on_device<half>(input.k());
  const simt::device_buffer<half> v = on_device<half>(input.v());
  simt::device_buffer<float> out = on_device<float>(Numbers(std::size_t{16} * 8, -7777));
  mma_attention(q.data(), k.data(), v.data(), out.data(), 0.25F);
  simt::synchronize();
  const std::vector<float> numbers = out.download();
  return {numbers.begin(), numbers.end()};
}

}  // namespace

std::vector<check::JudgedFunction> flash_attention_functions() {
  return {
      check::judged<check::OnlineSoftmaxInput, Numbers>(
          check::online_softmax_check(), "chapters/15_flash_attention/online_softmax", run_online_softmax),
      check::judged<check::OnlineSoftmaxInput, Numbers>(
          check::merged_softmax_check(), "chapters/15_flash_attention/online_softmax", run_merged_softmax),
      check::judged<check::PromptInput, check::PromptResult>(check::online_attention_check(),
                                                             "chapters/15_flash_attention/online_attention",
                                                             run_online_attention),
      check::judged<check::PromptInput, check::PromptResult>(
          check::tiled_attention_check(), "chapters/15_flash_attention/tiled_attention", run_tiled_attention),
      check::judged<check::MmaAttentionInput, Numbers>(
          check::mma_attention_check(), "chapters/15_flash_attention/mma_attention", run_mma_attention)};
}

}  // namespace rung
