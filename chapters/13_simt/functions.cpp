#include "chapters/13_simt/functions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chapters/13_simt/column_sums.h"
#include "chapters/13_simt/row_sums.h"
#include "chapters/13_simt/softmax_rows.h"
#include "chapters/13_simt/transposed.h"
#include "chapters/13_simt/warp_request.h"
#include "core/check/functions/kernels.h"
#include "core/check/functions/warp_request.h"
#include "core/error.h"
#include "cuda/simt/profile/profile.h"

namespace rung {
namespace {

using check::KernelFault;
using check::KernelOutcome;
using Numbers = std::vector<double>;

std::int64_t run_sectors(const check::WarpRequestInput& input) {
  return sectors(input.addresses, input.bytes_per_lane);
}

std::int64_t run_fewest_sectors(const check::WarpRequestInput& input) {
  return fewest_sectors(input.addresses, input.bytes_per_lane);
}

/// What a task allows a right kernel, where a case is counted.
struct Allowed {
  bool counted = false;
  double read_bytes = 0;          ///< from DRAM; 0: any
  std::uint64_t barriers = 0;     ///< of a block
  std::uint64_t exchanges = 0;    ///< of a block, at least
  double times_the_fewest = 1.5;  ///< sectors and wavefronts
  double times_through_l2 = 1.5;  ///< between L1 and L2, of the different bytes
};

KernelFault fault_of(simt::ProblemKind kind) {
  switch (kind) {
    case simt::ProblemKind::race:
      return KernelFault::race;
    case simt::ProblemKind::race_across_blocks:
      return KernelFault::race_across_blocks;
    case simt::ProblemKind::uninitialised_read:
      return KernelFault::uninitialised;
    case simt::ProblemKind::out_of_bounds:
      return KernelFault::out_of_bounds;
    case simt::ProblemKind::unwaited_copy:
    case simt::ProblemKind::misaligned:
      break;
  }
  return KernelFault::stopped;
}

/// The gravest of what the checker and the executor found.
void find_fault(const simt::Profile& profile, KernelOutcome& outcome) {
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) {
      if (fault_of(problem.kind) <= outcome.fault) continue;
      outcome.fault = fault_of(problem.kind);
      outcome.told = problem.message;
    }
  }
  if (profile.error.empty() || outcome.fault >= KernelFault::out_of_bounds) return;
  const bool missing = profile.error.find("does not name this lane") != std::string::npos ||
                       profile.error.find("does not take part") != std::string::npos;
  outcome.fault = missing ? KernelFault::missing_lane : KernelFault::stopped;
  outcome.told = profile.error;
}

void find_waste(const simt::Profile& profile, const Allowed& allowed, KernelOutcome& outcome) {
  const simt::KernelProfile total = profile.total();
  const auto& grid = profile.kernels.front().grid;
  const std::uint64_t blocks = std::uint64_t{grid[0]} * grid[1] * grid[2];
  const auto tell = [&](const std::string& words) {
    outcome.told += (outcome.told.empty() ? "all numbers are right, but " : ", and ") + words;
  };
  const simt::RequestCounts global = total.global();
  const simt::RequestCounts shared = total.shared();
  if (global.units_over_ideal() > allowed.times_the_fewest) {
    outcome.scattered = true;
    tell(fmt::format("a request to global memory takes {:.1f} sectors where {:.1f} could carry its bytes",
                     global.units_per_request(), global.ideal_per_request()));
  }
  if (shared.units_over_ideal() > allowed.times_the_fewest) {
    outcome.conflicts = true;
    tell(fmt::format("shared memory takes {} wavefronts where {} would do", shared.units, shared.ideal));
  }
  if (allowed.read_bytes > 0 && static_cast<double>(total.dram_bytes_loaded) > allowed.read_bytes) {
    outcome.reread = true;
    tell(fmt::format("{} bytes are read where {:.0f} would do", total.dram_bytes_loaded, allowed.read_bytes));
  }
  // A lane that asks alone takes the one sector that it needs. That the next number takes it again shows here.
  const double moved = 32 * static_cast<double>(total.l2_sectors);
  const auto different = static_cast<double>(profile.unique_bytes_loaded + profile.unique_bytes_stored);
  if (!outcome.scattered && !outcome.reread && moved > allowed.times_through_l2 * different) {
    outcome.few_lanes = moved > allowed.times_the_fewest * static_cast<double>(global.bytes);
    outcome.reread = !outcome.few_lanes;
    tell(fmt::format(
        "{:.0f} bytes pass between L1 and L2, {:.1f} times the different ones{}", moved, moved / different,
        outcome.few_lanes ? fmt::format(": {:.1f} lanes of 32 ask at a time", global.lanes_per_request())
                          : ""));
  }
  if (global.requests > 0 && total.warp_exchanges < allowed.exchanges * blocks) {
    outcome.without_shuffles = true;
    tell(fmt::format("a block's warps do {} shuffles where {} are asked for", total.warp_exchanges / blocks,
                     allowed.exchanges));
  }
  if (allowed.barriers > 0 && total.block_barriers > allowed.barriers * blocks) {
    outcome.barriers = true;
    tell(fmt::format("a block passes {} barriers", total.block_barriers / blocks));
  }
}

simt::device_buffer<float> on_device(const Numbers& numbers) {
  std::vector<float> rounded(numbers.size());
  std::ranges::transform(numbers, rounded.begin(), [](double number) { return static_cast<float>(number); });
  simt::device_buffer<float> buffer(rounded.size());
  buffer.upload(std::span<const float>(rounded));
  return buffer;
}

/// Runs a kernel under the profiler. In a build without its hooks no race and no count is seen, and the numbers alone
/// tell.
/// @param count  of numbers of the output
/// @param launch  gets the output
KernelOutcome outcome_of(std::int64_t count, const Allowed& allowed,
                         const std::function<void(float*)>& launch) {
  simt::device_buffer<float> y =
      on_device(Numbers(static_cast<std::size_t>(count), KernelOutcome::untouched));
  // A number that a kernel loads twice in a row is there the second time; one of an earlier pass is not.
  constexpr std::size_t small_l2 = 1024;
  const simt::Profile profile = simt::profile(
      [&] {
        launch(y.data());
        simt::synchronize();
      },
      {.l2_bytes = small_l2});
  // Nothing was launched: the error is the host function's, or tells which limit a launch exceeds.
  if (profile.kernels.empty() && !profile.error.empty())
    throw Error(ErrorKind::bad_input, "{}", profile.error);
  KernelOutcome outcome;
  find_fault(profile, outcome);
  std::vector<float> numbers(y.size());
  y.download(std::span(numbers));
  outcome.numbers.assign(numbers.begin(), numbers.end());
  if (allowed.counted && outcome.fault == KernelFault::none && !profile.kernels.empty())
    find_waste(profile, allowed, outcome);
  return outcome;
}

KernelOutcome run_column_sums(const check::ColumnSumsKernelInput& input) {
  const simt::device_buffer<float> x = on_device(input.x());
  return outcome_of(input.columns, {.counted = input.counted}, [&](float* sums) {
    column_sums(sums, x.data(), static_cast<int>(input.rows), static_cast<int>(input.columns),
                static_cast<int>(input.columns + input.x_gap));
  });
}

KernelOutcome run_transposed(const check::TransposeKernelInput& input) {
  const simt::device_buffer<float> x = on_device(input.x());
  return outcome_of(input.rows * input.columns, {.counted = input.counted}, [&](float* y) {
    transposed(y, x.data(), static_cast<int>(input.rows), static_cast<int>(input.columns));
  });
}

KernelOutcome run_row_sums(const check::RowSumsKernelInput& input) {
  const simt::device_buffer<float> x = on_device(input.x());
  constexpr std::uint64_t shuffles = 4 * 5;  // four warps, a step for each halving of 32 lanes
  return outcome_of(input.rows, {.counted = input.counted, .barriers = 1, .exchanges = shuffles},
                    [&](float* sums) {
                      row_sums(sums, x.data(), static_cast<int>(input.rows), static_cast<int>(input.n));
                    });
}

KernelOutcome run_softmax_rows(const check::SoftmaxKernelInput& input) {
  const simt::device_buffer<float> x = on_device(input.x);
  const cuda::SoftmaxShape shape{.rows = static_cast<int>(input.rows),
                                 .n = static_cast<int>(input.n),
                                 .x_stride = static_cast<int>(input.n + input.x_gap),
                                 .y_stride = static_cast<int>(input.n + input.y_gap)};
  const double twice = 2 * sizeof(float) * static_cast<double>(input.rows * input.n);
  // Two passes that read and one that writes: 1.5 times the different bytes.
  return outcome_of((input.rows - 1) * shape.y_stride + input.n,
                    {.counted = input.counted, .read_bytes = twice, .times_through_l2 = 2.5},
                    [&](float* y) { softmax_rows(y, x.data(), shape); });
}

}  // namespace

std::vector<check::JudgedFunction> simt_functions() {
  return {check::judged<check::WarpRequestInput, std::int64_t>(check::sectors_check(),
                                                               "chapters/13_simt/warp_request", run_sectors),
          check::judged<check::WarpRequestInput, std::int64_t>(
              check::fewest_sectors_check(), "chapters/13_simt/warp_request", run_fewest_sectors),
          check::judged<check::ColumnSumsKernelInput, KernelOutcome>(
              check::column_sums_check(), "chapters/13_simt/column_sums", run_column_sums),
          check::judged<check::TransposeKernelInput, KernelOutcome>(
              check::transposed_check(), "chapters/13_simt/transposed", run_transposed),
          check::judged<check::RowSumsKernelInput, KernelOutcome>(check::row_sums_check(),
                                                                  "chapters/13_simt/row_sums", run_row_sums),
          check::judged<check::SoftmaxKernelInput, KernelOutcome>(
              check::softmax_rows_check(), "chapters/13_simt/softmax_rows", run_softmax_rows)};
}

}  // namespace rung
