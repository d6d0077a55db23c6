#include "core/oracle/softmax.h"

#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

enum class Maximum { of_row, at_least_zero, none };

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct SoftmaxVariant {
  Order order = Order::sequential;
  bool online = false;      ///< maximum and sum in one pass, the sum rescaled when the maximum grows
  bool reciprocal = false;  ///< times 1/sum instead of divided by it
  Maximum maximum = Maximum::of_row;
  bool not_rescaled = false;    ///< online, but the sum is left as it is when the maximum grows
  std::int64_t step = 1;        ///< terms after the last multiple of this are not added to the sum
  bool columns = false;         ///< over the rows instead of the columns
  bool base_two = false;        ///< 2^x instead of e^x
  bool masked_row_nan = false;  ///< −∞ − −∞ is taken as it comes
  double added = 0;             ///< added to the sum
  std::optional<NumberType> difference = std::nullopt;  ///< x − max is rounded to this
  std::optional<NumberType> sum = std::nullopt;         ///< the sum is rounded to this after every term
  bool truncated = false;
};

/// Σ of the row's exponentials, one pass, with the maximum found on the way.
template <typename Real>
Real online_sum(const SoftmaxVariant& variant, std::span<const Real> x) {
  Real largest = -std::numeric_limits<Real>::infinity();
  Real sum = 0;
  for (const Real number : x) {
    if (std::isinf(number)) continue;
    if (number > largest) {
      if (!variant.not_rescaled) sum *= std::exp(largest - number);
      largest = number;
    }
    sum += std::exp(number - largest);
  }
  return sum;
}

template <typename Real>
void one_row(NumberType type, const SoftmaxVariant& variant, std::span<const Real> x, std::span<Real> y) {
  constexpr Real masked = -std::numeric_limits<Real>::infinity();
  const auto n = static_cast<std::int64_t>(x.size());
  Real largest = variant.maximum == Maximum::of_row ? masked : 0;
  if (variant.maximum != Maximum::none) {
    for (const Real number : x) largest = std::max(largest, number);
  }
  for (std::int64_t i = 0; i < n; ++i) {
    Real difference = x[i] - largest;
    if (variant.difference)
      difference = static_cast<Real>(round_to(*variant.difference, static_cast<double>(difference)));
    const bool zero = x[i] == masked && !variant.masked_row_nan;
    y[i] = zero ? 0 : variant.base_two ? std::exp2(difference) : std::exp(difference);
  }
  Real sum = 0;
  if (variant.online || variant.not_rescaled) {
    sum = online_sum(variant, x);
  } else if (variant.sum) {
    for (const Real e : y) sum = static_cast<Real>(round_to(*variant.sum, static_cast<double>(sum + e)));
  } else {
    sum = dot<Real>(
        variant.order, 0, n - n % variant.step, [&](std::int64_t i) { return y[i]; },
        [](std::int64_t) { return Real{1}; });
  }
  sum += static_cast<Real>(variant.added);
  const bool all_masked = largest == masked && !variant.masked_row_nan;
  for (Real& p : y) {
    p = all_masked ? 0 : variant.reciprocal ? p * (1 / sum) : p / sum;
    if (variant.truncated) p = static_cast<Real>(truncate_to(type, static_cast<double>(p)));
  }
}

template <typename Real>
Values compute(const Case& problem, const SoftmaxVariant& variant) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const std::vector<Real> x = numbers<Real>(problem.input("x"));  // [rows, n]
  std::vector<Real> y(x.size());
  if (variant.columns) {
    std::vector<Real> in(static_cast<std::size_t>(rows));
    std::vector<Real> out(in.size());
    for (std::int64_t c = 0; c < n; ++c) {
      for (std::int64_t r = 0; r < rows; ++r) in[r] = x[r * n + c];
      one_row<Real>(problem.type, variant, in, out);
      for (std::int64_t r = 0; r < rows; ++r) y[r * n + c] = out[r];
    }
  } else {
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto first = static_cast<std::size_t>(r * n);
      const auto count = static_cast<std::size_t>(n);
      one_row<Real>(problem.type, variant, std::span(x).subspan(first, count),
                    std::span(y).subspan(first, count));
    }
  }
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const std::vector<double> x = problem.input("x").dense();
  Reference result;
  result.value.resize(x.size());
  oracle::softmax(x, rows, n, result.value);
  result.accumulated.resize(x.size());
  result.intermediate.resize(x.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = r * n; i < (r + 1) * n; ++i) largest = std::max(largest, x[i]);
    // An error δ of an exponent is a relative error δ of its exponential: x − max is rounded once, its
    // product with log2(e) (where exp is made of exp2) twice more. The sum has the mean of its terms' errors.
    const auto depth = [&](std::int64_t i) { return result.value[i] == 0 ? 0 : 3 * (largest - x[i]); };
    double mean = 0;
    for (std::int64_t i = r * n; i < (r + 1) * n; ++i) mean += result.value[i] * depth(i);
    for (std::int64_t i = r * n; i < (r + 1) * n; ++i) {
      const double p = result.value[i];
      result.accumulated[i] = std::sqrt(static_cast<double>(n)) * p;
      // exp itself is good to 2 units, in the numerator and in the sum; 1/sum and the product round too.
      result.intermediate[i] = p * accumulator_roundoff * (depth(i) + mean + 6) + 0x1p-126;
    }
  }
  return {result};
}

/// Logits `scale`·style + `shift`. With a mask, about a third of the logits is −∞, and so is all of row 1.
Problem shaped(std::int64_t rows, std::int64_t n, int draws, Style style = Style::normal, double scale = 1,
               double shift = 0, bool mask = false, std::int64_t gap = 0) {
  Problem problem;
  problem.description = fmt::format("rows={} n={}, {}", rows, n, name(style));
  if (scale != 1) problem.description += fmt::format(" times {}", scale);
  if (shift != 0) problem.description += fmt::format(" {:+}", shift);
  if (mask) problem.description += ", a third masked (-inf), row 1 altogether (defined as 0)";
  if (gap > 0) problem.description += ", strided rows";
  problem.draws = draws;
  problem.normal = style == Style::normal && scale == 1 && shift == 0 && !mask;
  problem.draw = [=](NumberType type, Random& random) {
    Array x = draw_array(type, random, "x", {rows, n}, style, gap);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < n; ++i) {
        float& logit = x.values[r * x.row_stride + i];
        logit = round_to(type, scale * static_cast<double>(logit) + shift);
        if (mask && (r == 1 || random.below(3) == 0)) logit = -std::numeric_limits<float>::infinity();
      }
    }
    Case drawn;
    drawn.params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}};
    drawn.inputs = {std::move(x)};
    drawn.outputs = {output("y", {rows, n}, gap)};
    return drawn;
  };
  return problem;
}

/// Equal logits, any number of them: 1/n each; with a power of two of them, exactly.
Probe equal_logits(NumberType type, std::int64_t n, double logit) {
  constexpr std::int64_t rows = 2;
  Probe probe;
  probe.what = "equal logits share equally";
  Case& problem = probe.problem;
  problem.op = "softmax";
  problem.type = type;
  problem.name = fmt::format("softmax-{}-equal-{}", name(type), n);
  problem.description = fmt::format("rows=2 n={}, every logit {}", n, logit);
  problem.params = {{"rows", rows}, {"n", static_cast<double>(n)}};
  problem.inputs = {fill_array(type, "x", {rows, n}, [=](std::int64_t, std::int64_t) { return logit; })};
  problem.outputs = {output("y", {rows, n})};
  probe.expected.assign(static_cast<std::size_t>(rows * n), 1 / static_cast<double>(n));
  // In fp32, exp2f(fma(x, log2 e, −max·log2 e)) gives a term near 1 that is no power of two: n of them, added
  // one by one, lose √n units, and a reciprocal with one Newton step another. That is a quarter of the
  // element bound. In fp16 and bf16 the one rounding at the end is all that shows, and 1/n is exact for a
  // power of two.
  probe.ulps = type == NumberType::f32 ? 1 + std::sqrt(static_cast<double>(n)) : (n & (n - 1)) == 0 ? 0 : 1;
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  return {equal_logits(type, 1, 200), equal_logits(type, 64, -150), equal_logits(type, 33, 3)};
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                SoftmaxVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // Mistakes of range and rounding have no fp64 form: double's exp overflows elsewhere.
  if (variant.maximum != Maximum::of_row || variant.sum || variant.difference) {
    return {name, sentence, types, kernel, kernel};
  }
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  return {
      mistake("max_not_subtracted", "the row's maximum not subtracted; exp overflows fp32 from 89 on",
              {f32, f16, bf16}, {.maximum = Maximum::none}),
      mistake("max_starts_at_zero",
              "the maximum starts at 0; it starts at -inf, or rows of negative logits underflow",
              {f32, f16, bf16}, {.maximum = Maximum::at_least_zero}),
      mistake("sum_not_rescaled",
              "one pass, but the sum is not rescaled when the maximum grows; multiply it by "
              "exp(old - new)",
              {f32, f16, bf16}, {.not_rescaled = true}),
      mistake("tail_dropped", "terms after the last multiple of 8 not added to the sum; n need not be one",
              {f32, f16, bf16}, {.step = 8}),
      mistake("wrong_axis", "normalised down the columns; a softmax runs along each row", {f32, f16, bf16},
              {.columns = true}),
      mistake("base_two", "2^x taken for e^x; exp2 needs x times log2(e)", {f32, f16, bf16},
              {.base_two = true}),
      mistake("masked_row_nan", "a row of -inf gives NaN from -inf - -inf; it is defined as 0",
              {f32, f16, bf16}, {.masked_row_nan = true}),
      mistake("one_added",
              "1 added to the sum, as if there were one more logit of 0 below the maximum; the sum is "
              "all there is",
              {f32, f16, bf16}, {.added = 1}),
      mistake("eps_added", "1e-6 added to the sum; it is at least 1 once the maximum is subtracted", {f32},
              {.added = 1e-6}),
      mistake("difference_in_bf16", "x - max rounded to bf16; exponents need fp32", {f32, f16, bf16},
              {.difference = bf16}),
      mistake("difference_in_f16", "x - max rounded to fp16; exponents need fp32", {f32, f16},
              {.difference = f16}),
      mistake("sum_in_f16", "the sum kept in fp16; accumulate in fp32", {f32, f16}, {.sum = f16}),
      mistake("sum_in_bf16", "the sum kept in bf16; accumulate in fp32", {f32, f16, bf16}, {.sum = bf16}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

Reordering reordering(std::string name, SoftmaxVariant variant) {
  return {std::move(name), [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

}  // namespace

Op softmax_op() {
  Op op;
  op.name = "softmax";
  op.chapter = 3;
  op.what = "y[r,i] = exp(x[r,i]) / Σ_j exp(x[r,j]); -inf is masked and gives 0; a row of -inf gives 0";
  op.precision = "x and y in the case's type, everything between in fp32";
  op.params = {{"rows", "rows of x and y"}, {"n", "columns"}};
  op.inputs = {{"x", "logits", {"R", "N"}}};
  op.outputs = {{"y", "probabilities", {"R", "N"}}};
  op.problems = {
      shaped(64, 1, 1),
      shaped(7, 31, 32),
      shaped(7, 32, 32),
      shaped(7, 33, 32),
      shaped(1, 129, 200),
      shaped(3, 257, 70),
      shaped(7, 40, 32, Style::normal, 60),          // logits of ±200
      shaped(7, 40, 32, Style::normal, 1, 500),      // all of them large
      shaped(7, 40, 32, Style::negative, 30, -150),  // all of them very small
      shaped(6, 40, 80, Style::row_scales, 0.3),
      shaped(7, 40, 80, Style::outliers),
      shaped(7, 40, 32, Style::normal, 1, 0, true),
      shaped(7, 37, 32, Style::normal, 1, 0, false, 3),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {reordering("reversed", {.order = Order::reversed}),
                    reordering("pairwise", {.order = Order::pairwise}),
                    reordering("sixteen chunks, times 1/sum", {.order = Order::chunks, .reciprocal = true}),
                    reordering("one pass", {.online = true})};
  return op;
}

}  // namespace rung::check
