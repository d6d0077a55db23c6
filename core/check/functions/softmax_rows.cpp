#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/kernel_check.h"
#include "core/check/functions/kernels.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t threads = 128;  // of a block
constexpr std::size_t lanes = 32;
constexpr double infinity = std::numeric_limits<double>::infinity();

std::int64_t stride_of_x(const SoftmaxKernelInput& input) {
  return input.n + input.x_gap;
}
std::int64_t stride_of_y(const SoftmaxKernelInput& input) {
  return input.n + input.y_gap;
}
std::int64_t without_gap(const SoftmaxKernelInput& input) {
  return input.n;
}

/// Numbers from the first of a row to the last of the last row.
std::size_t extent(const SoftmaxKernelInput& input, std::int64_t stride) {
  return static_cast<std::size_t>((input.rows - 1) * stride + input.n);
}

struct Habits {
  bool loop_not_rescaled = false, merge_not_rescaled = false, masked_is_nan = false, first_warp_alone = false;
  bool reread = false, few_lanes = false;
  bool starts_at_zero = false;     ///< a thread's maximum
  bool first_for_ever = false;     ///< a thread's first score is its maximum
  bool weights_by_sum = false;     ///< the weights are 0 where the sum is, not where the maximum is -inf
  bool weights_unguarded = false;  ///< or nowhere
  /// From one row of x to the next, and of y.
  std::int64_t (*x_stride)(const SoftmaxKernelInput&) = stride_of_x;
  std::int64_t (*y_stride)(const SoftmaxKernelInput&) = stride_of_y;
};

/// The largest of some scores, and the sum that refers to it.
struct MaxSum {
  double max = -infinity;
  double sum = 0;
};

/// exp where fp32 has it: an infinity from 88.72 on.
double exp32(double x) {
  return x > 88.72 ? infinity : std::exp(x);
}

MaxSum merged(const MaxSum& a, const MaxSum& b, bool rescaled, bool guarded) {
  const double max = std::max(a.max, b.max);
  if (max == -infinity && guarded) return {};
  if (!rescaled) return {max, a.sum + b.sum};
  return {max, a.sum * std::exp(a.max - max) + b.sum * std::exp(b.max - max)};
}

/// What 128 threads do: each takes every 128th score, the lanes of a warp merge theirs, then the warps.
MaxSum of_row(const double* x, std::size_t n, const Habits& habits) {
  std::vector<MaxSum> all(threads);
  for (std::size_t t = 0; t < threads; ++t) {
    if (habits.starts_at_zero) all[t].max = 0;
    for (std::size_t i = t; i < n; i += threads) {
      if (habits.first_for_ever) {
        if (all[t].max == -infinity) all[t].max = x[i];
        if (x[i] > -infinity) all[t].sum += exp32(x[i] - all[t].max);
      } else if (habits.loop_not_rescaled) {
        all[t].max = std::max(all[t].max, x[i]);
        if (all[t].max > -infinity) all[t].sum += std::exp(x[i] - all[t].max);
      } else {
        all[t] = merged(all[t], {x[i], 1}, true, !habits.masked_is_nan);
      }
    }
  }
  MaxSum total;
  for (std::size_t warp = 0; warp < (habits.first_warp_alone ? lanes : threads); warp += lanes) {
    for (std::size_t distance = lanes / 2; distance > 0; distance /= 2) {
      std::vector<MaxSum> before(all.begin() + static_cast<std::ptrdiff_t>(warp),
                                 all.begin() + static_cast<std::ptrdiff_t>(warp + lanes));
      for (std::size_t lane = 0; lane < lanes; ++lane)
        all[warp + lane] =
            merged(before[lane], before[lane ^ distance], !habits.merge_not_rescaled, !habits.masked_is_nan);
    }
    total = merged(total, all[warp], !habits.merge_not_rescaled, !habits.masked_is_nan);
  }
  return total;
}

KernelOutcome softmax(const SoftmaxKernelInput& input, const Habits& habits) {
  KernelOutcome outcome{.numbers = Numbers(extent(input, stride_of_y(input)), KernelOutcome::untouched),
                        .few_lanes = habits.few_lanes && input.counted,
                        .reread = habits.reread && input.counted};
  const std::int64_t x_stride = habits.x_stride(input);
  const std::int64_t y_stride = habits.y_stride(input);
  if (extent(input, x_stride) > input.x.size() || extent(input, y_stride) > outcome.numbers.size())
    return {.numbers = {}, .fault = KernelFault::out_of_bounds};
  const auto n = static_cast<std::size_t>(input.n);
  for (std::int64_t r = 0; r < input.rows; ++r) {
    const double* const x = input.x.data() + r * x_stride;
    double* const y = outcome.numbers.data() + r * y_stride;
    const MaxSum all = of_row(x, n, habits);
    const bool masked =
        !habits.weights_unguarded && (habits.weights_by_sum ? all.sum == 0 : all.max == -infinity);
    for (std::size_t i = 0; i < n; ++i) {
      const double above = x[i] - all.max;
      y[i] = masked ? 0 : exp32(above) / all.sum;
    }
  }
  return outcome;
}

/// exp(x) over its sum in fp32, as it is.
KernelOutcome without_maximum(const SoftmaxKernelInput& input, bool guarded) {
  KernelOutcome outcome{.numbers = Numbers(extent(input, stride_of_y(input)), KernelOutcome::untouched)};
  for (std::int64_t r = 0; r < input.rows; ++r) {
    const double* const x = input.x.data() + r * stride_of_x(input);
    double* const y = outcome.numbers.data() + r * stride_of_y(input);
    float sum = 0;
    for (std::int64_t i = 0; i < input.n; ++i) sum += std::exp(static_cast<float>(x[i]));
    for (std::int64_t i = 0; i < input.n; ++i) {
      const float weight = std::exp(static_cast<float>(x[i])) / sum;
      y[i] = guarded && sum == 0 ? 0 : static_cast<double>(weight);
    }
  }
  return outcome;
}

SoftmaxKernelInput scores(std::int64_t rows, std::int64_t n, double (*score)(std::int64_t, std::int64_t),
                          bool counted = false) {
  SoftmaxKernelInput input{.rows = rows, .n = n, .x = {}, .counted = counted};
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < n; ++i) input.x.push_back(score(r, i));
  }
  return input;
}

/// The same with gaps: between the rows of x lie scores that no weight takes into account.
SoftmaxKernelInput apart(std::int64_t rows, std::int64_t n, std::int64_t x_gap, std::int64_t y_gap,
                         double (*score)(std::int64_t, std::int64_t)) {
  SoftmaxKernelInput input{.rows = rows, .n = n, .x_gap = x_gap, .y_gap = y_gap, .x = {}};
  for (std::int64_t r = 0; r < rows; ++r) {
    if (r > 0) input.x.insert(input.x.end(), static_cast<std::size_t>(x_gap), 10.0);
    for (std::int64_t i = 0; i < n; ++i) input.x.push_back(score(r, i));
  }
  return input;
}

/// Eighths between -4 and 4.
double mixed(std::int64_t r, std::int64_t i) {
  return static_cast<double>((r * 31 + i * 37 + r * i % 13) % 65 - 32) / 8;
}

}  // namespace

FunctionCheck<SoftmaxKernelInput, KernelOutcome> softmax_rows_check() {
  constexpr double relative = 2e-5;  // exp, and a sum of a thousand of them, in fp32
  FunctionCheck<SoftmaxKernelInput, KernelOutcome> check;
  check.name = "softmax_rows";
  check.chapter = 13;
  check.what = "a kernel for softmax that reads each row twice";
  check.cases = {
      {"three", "scores 1, 3, 2",
       scores(1, 3, [](std::int64_t, std::int64_t i) { return i == 0   ? 1.0
                                                              : i == 1 ? 3.0
                                                                       : 2.0; })},
      {"ragged", "2 × 127", scores(2, 127, mixed)},
      {"gaps", "3 × 70, rows of x 5 and rows of y 13 further apart than they are long",
       apart(3, 70, 5, 13, mixed)},
      {"rising", "2 × 500, the largest score last",
       scores(2, 500,
              [](std::int64_t r, std::int64_t i) {
                return static_cast<double>(i) / 64 + static_cast<double>(r);
              })},
      {"large", "1 × 300, scores around 1000",
       scores(1, 300, [](std::int64_t r, std::int64_t i) { return 1000 + mixed(r, i); })},
      {"low", "1 × 300, scores around -20000",
       scores(1, 300, [](std::int64_t r, std::int64_t i) { return mixed(r, i) - 20000; })},
      {"steep", "1 × 300, all scores 0 but one near the end, which is 89",
       scores(1, 300, [](std::int64_t, std::int64_t i) { return i == 290 ? 89.0 : 0.0; })},
      {"masked-begin", "2 × 400, the first 130 masked",
       scores(2, 400, [](std::int64_t r, std::int64_t i) { return i < 130 ? -infinity : mixed(r, i); })},
      {"masked", "1 × 40, all masked", scores(1, 40, [](std::int64_t, std::int64_t) { return -infinity; })},
      {"counted", "4 × 1024, and the bytes are counted", scores(4, 1024, mixed, true)}};
  check.oracle = [](const SoftmaxKernelInput& input) { return softmax(input, {}); };
  check.same = [](const KernelOutcome& found, const KernelOutcome& expected) {
    return same_outcome(found, expected, relative);
  };
  check.show = [](const KernelOutcome& outcome) { return show_numbers(outcome.numbers); };
  check.difference_in = [](const SoftmaxKernelInput& input, const KernelOutcome& found,
                           const KernelOutcome& expected) {
    return outcome_difference(found, expected, relative, [&](std::size_t i) {
      const auto at = static_cast<std::int64_t>(i);
      return fmt::format("y[{}, {}]", at / stride_of_y(input), at % stride_of_y(input));
    });
  };
  const auto mistake = [](std::string name, std::string sentence, Habits habits,
                          std::vector<std::function<KernelOutcome(const SoftmaxKernelInput&)>> also = {}) {
    return FunctionMistake<SoftmaxKernelInput, KernelOutcome>{
        std::move(name), std::move(sentence),
        [habits](const SoftmaxKernelInput& input) { return softmax(input, habits); }, std::move(also)};
  };
  const auto with = [](Habits habits) {
    return [habits](const SoftmaxKernelInput& input) { return softmax(input, habits); };
  };
  check.mistakes = {
      mistake("softmax_not_rescaled",
              "when the maximum grows, the sum so far must be multiplied by exp(old - new)",
              {.loop_not_rescaled = true},
              {with({.merge_not_rescaled = true}),
               with({.loop_not_rescaled = true, .merge_not_rescaled = true})}),
      mistake("softmax_masked_is_nan",
              "-inf - -inf is NaN: two sets of scores that are all masked need a case of their own",
              {.masked_is_nan = true}),
      mistake("softmax_masked_weights",
              "a row that is masked altogether has the maximum -inf and the sum 0: its weights need a case "
              "of their own",
              {.weights_unguarded = true}),
      mistake("softmax_start_at_zero",
              "a maximum that begins at 0, or at another number, stays there where all scores are lower; "
              "-inf does not",
              {.starts_at_zero = true}, {with({.starts_at_zero = true, .weights_by_sum = true})}),
      mistake("softmax_first_for_ever",
              "a thread's first score stays its maximum, and exp(x - maximum) overflows where a later one is "
              "larger by 89",
              {.first_for_ever = true}),
      mistake("softmax_first_warp_alone",
              "maximum and sum of the first warp alone; the other warps have theirs, too",
              {.first_warp_alone = true}),
      {"softmax_without_maximum",
       "exp(x) without the row's maximum taken off, which overflows from 89 on",
       [](const SoftmaxKernelInput& input) { return without_maximum(input, true); },
       {[](const SoftmaxKernelInput& input) { return without_maximum(input, false); }}},
      {"softmax_no_barrier",
       "a thread merges what other warps may not have written yet: a barrier belongs between; or two threads "
       "write "
       "to one place: let one of them write",
       [](const SoftmaxKernelInput&) { return KernelOutcome{.numbers = {}, .fault = KernelFault::race}; }},
      mistake("softmax_three_passes",
              "right, but x is read three times: maximum and sum can be had in one pass", {.reread = true}),
      mistake("softmax_few_lanes",
              "right, but few lanes of a warp work: a sector is moved for each number, where 32 lanes would "
              "share four",
              {.few_lanes = true}),
      mistake("softmax_without_stride",
              "rows taken to lie n numbers apart, or those of y as far as those of x; they have strides of "
              "their own",
              {.x_stride = without_gap, .y_stride = without_gap},
              {with({.x_stride = without_gap}), with({.y_stride = without_gap}),
               with({.y_stride = stride_of_x}), with({.x_stride = stride_of_y})})};
  return check;
}

}  // namespace rung::check
