#include "chapters/14_gemm/functions.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "chapters/13_simt/kernel_outcome.h"
#include "chapters/14_gemm/gemm_cost.h"
#include "chapters/14_gemm/mma_tile.h"
#include "chapters/14_gemm/split_gemm.h"
#include "chapters/14_gemm/tiled_gemm.h"
#include "core/check/functions/gemm.h"

namespace rung {
namespace {

using check::KernelOutcome;

std::int64_t run_gemm_traffic(const check::GemmTrafficInput& input) {
  return tiled_bytes({.m = input.m,
                      .n = input.n,
                      .k = input.k,
                      .tile_rows = input.tile_rows,
                      .tile_columns = input.tile_columns,
                      .number_bytes = input.number_bytes});
}

std::int64_t run_wavefronts(const check::WavefrontsInput& input) {
  return wavefronts(input.addresses, input.bytes_per_lane);
}

using Gemm = std::function<void(const float*, const float*, float*, const cuda::GemmShape&)>;

KernelOutcome run_gemm(const check::GemmKernelInput& input, const Allowed& allowed, const Gemm& gemm) {
  const cuda::GemmShape shape{.m = static_cast<int>(input.m),
                              .n = static_cast<int>(input.n),
                              .k = static_cast<int>(input.k),
                              .a_stride = static_cast<int>(input.k + input.a_gap),
                              .w_stride = static_cast<int>(input.k + input.w_gap),
                              .c_stride = static_cast<int>(input.n + input.c_gap)};
  const simt::device_buffer<float> a = on_device<float>(input.a());
  const simt::device_buffer<float> w = on_device<float>(input.w());
  return outcome_of(input.c_size(), allowed, [&](float* c) { gemm(a.data(), w.data(), c, shape); });
}

/// Bytes of so many numbers of fp32.
double floats(std::int64_t count) {
  return sizeof(float) * static_cast<double>(count);
}

KernelOutcome run_tiled_gemm(const check::GemmKernelInput& input) {
  // What tiles of 32 × 32 take. Their columns in shared memory may conflict: the chapter looks after that later.
  const auto bytes = static_cast<double>(tiled_bytes(
      {.m = input.m, .n = input.n, .k = input.k, .tile_rows = 32, .tile_columns = 32, .number_bytes = 4}));
  return run_gemm(input,
                  {.counted = input.counted,
                   .asked_bytes = 1.25 * bytes,
                   .tile_bytes = floats((input.m + input.n) * input.k),
                   .tile_bytes_at_most = 1.25 * (bytes - floats(input.m * input.n)),
                   .stored_bytes = floats(input.m * input.n),
                   .loading_warps = 0.25,
                   .times_the_fewest_wavefronts = 0,
                   .times_through_l2 = 0},
                  tiled_gemm);
}

KernelOutcome run_split_gemm(const check::GemmKernelInput& input) {
  const std::int64_t of_sums = input.parts * input.m * input.n;
  simt::device_buffer<float> sums =
      on_device<float>(std::vector<double>(static_cast<std::size_t>(of_sums), KernelOutcome::untouched));
  // The task is not about coalesced requests. A lane that works alone asks for more than ten times the different bytes,
  // in the second kernel for eight times; for a single number of C there is but one lane.
  const bool bytes_counted = input.counted && input.m * input.n > 1;
  const double different = floats((input.m + input.n) * input.k + 2 * of_sums + input.m * input.n);
  KernelOutcome outcome =
      run_gemm(input,
               {.counted = input.counted,
                .asked_bytes = bytes_counted ? 4 * different : 0,
                .blocks = static_cast<std::uint64_t>(input.parts),
                .last_reads_bytes = floats(of_sums),
                .last_asked_bytes = bytes_counted ? 4 * floats(of_sums + input.m * input.n) : 0,
                .times_the_fewest_sectors = 0,
                .times_the_fewest_wavefronts = 0,
                .times_through_l2 = 0,
                .atomics = false},
               [&](const float* a, const float* w, float* c, const cuda::GemmShape& shape) {
                 split_gemm(a, w, sums.data(), c, shape, static_cast<int>(input.parts));
               });
  const std::vector<double> of_parts = from_device(sums);
  outcome.numbers.insert(outcome.numbers.end(), of_parts.begin(), of_parts.end());
  return outcome;
}

KernelOutcome run_mma_tile(const check::MmaTileInput& input) {
  const simt::device_buffer<half> a = on_device<half>(input.a);
  const simt::device_buffer<half> w = on_device<half>(input.w);
  // A lane's registers are where the instruction wants them, so that no request is coalesced. Each number is
  // loaded once; a half that is loaded alone leaves part of its sector to another request.
  constexpr std::int64_t c_size = 16 * 8;
  const double once = sizeof(half) * static_cast<double>(input.a.size() + input.w.size()) + floats(c_size);
  return outcome_of(c_size,
                    {.counted = input.counted,
                     .asked_bytes = 2 * once,
                     .tensor_instructions = 1,
                     .times_the_fewest_sectors = 0,
                     .times_the_fewest_wavefronts = 0,
                     .times_through_l2 = 0},
                    [&](float* c) { mma_tile(a.data(), w.data(), c); });
}

}  // namespace

std::vector<check::JudgedFunction> gemm_functions() {
  return {check::judged<check::GemmTrafficInput, std::int64_t>(
              check::gemm_traffic_check(), "chapters/14_gemm/gemm_cost", run_gemm_traffic),
          check::judged<check::WavefrontsInput, std::int64_t>(check::wavefronts_check(),
                                                              "chapters/14_gemm/gemm_cost", run_wavefronts),
          check::judged<check::GemmKernelInput, KernelOutcome>(check::tiled_gemm_check(),
                                                               "chapters/14_gemm/tiled_gemm", run_tiled_gemm),
          check::judged<check::MmaTileInput, KernelOutcome>(check::mma_tile_check(),
                                                            "chapters/14_gemm/mma_tile", run_mma_tile),
          check::judged<check::GemmKernelInput, KernelOutcome>(
              check::split_gemm_check(), "chapters/14_gemm/split_gemm", run_split_gemm)};
}

}  // namespace rung
