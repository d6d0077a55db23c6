#include "chapters/13_simt/functions.h"

#include <cstdint>
#include <vector>

#include "chapters/13_simt/column_sums.h"
#include "chapters/13_simt/kernel_outcome.h"
#include "chapters/13_simt/row_sums.h"
#include "chapters/13_simt/softmax_rows.h"
#include "chapters/13_simt/transposed.h"
#include "chapters/13_simt/warp_request.h"
#include "core/check/functions/kernels.h"
#include "core/check/functions/warp_request.h"

namespace rung {
namespace {

using check::KernelOutcome;

std::int64_t run_sectors(const check::WarpRequestInput& input) {
  return sectors(input.addresses, input.bytes_per_lane);
}

std::int64_t run_fewest_sectors(const check::WarpRequestInput& input) {
  return fewest_sectors(input.addresses, input.bytes_per_lane);
}

KernelOutcome run_column_sums(const check::ColumnSumsKernelInput& input) {
  const simt::device_buffer<float> x = on_device<float>(input.x());
  return outcome_of(input.columns, {.counted = input.counted}, [&](float* sums) {
    column_sums(sums, x.data(), static_cast<int>(input.rows), static_cast<int>(input.columns),
                static_cast<int>(input.columns + input.x_gap));
  });
}

KernelOutcome run_transposed(const check::TransposeKernelInput& input) {
  const simt::device_buffer<float> x = on_device<float>(input.x());
  const double bytes = sizeof(float) * static_cast<double>(input.rows * input.columns);
  return outcome_of(input.rows * input.columns,
                    {.counted = input.counted, .tile_bytes = bytes, .times_the_fewest_wavefronts = 1.25},
                    [&](float* y) {
                      transposed(y, x.data(), static_cast<int>(input.rows), static_cast<int>(input.columns));
                    });
}

KernelOutcome run_row_sums(const check::RowSumsKernelInput& input) {
  const simt::device_buffer<float> x = on_device<float>(input.x());
  constexpr std::uint64_t shuffles = 4 * 5;  // four warps, a step for each halving of 32 lanes
  return outcome_of(input.rows, {.counted = input.counted, .barriers = 1, .exchanges = shuffles},
                    [&](float* sums) {
                      row_sums(sums, x.data(), static_cast<int>(input.rows), static_cast<int>(input.n));
                    });
}

KernelOutcome run_softmax_rows(const check::SoftmaxKernelInput& input) {
  const simt::device_buffer<float> x = on_device<float>(input.x);
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
