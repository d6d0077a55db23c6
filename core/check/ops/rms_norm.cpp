#include "core/oracle/rms_norm.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

enum class Eps { inside, outside, left_out, before_mean, hard_coded, at_least };
enum class Divisor { n, n_minus_one, one };
enum class Scaling { multiply, divide, weight_first };
/// Of which numbers the squares are taken where y is written over x: of x's, or of what stands there by then, x
/// times the weight, or as many of y as are written.
enum class Squares { of_x, of_weighted, while_writing };

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct RmsNormVariant {
  Order order = Order::sequential;
  Scaling scaling = Scaling::multiply;  ///< x·(1/root)·w, x/root·w or w·(1/root)·x
  bool normalised_rounded = false;      ///< x/root is rounded to the output's type before the weight comes
  Eps eps = Eps::inside;
  Divisor divisor = Divisor::n;
  std::int64_t step = 1;  ///< squares after the last multiple of this are not added
  Squares squared = Squares::of_x;
  bool whole_matrix = false;  ///< one root for all rows
  bool mean_subtracted = false;
  bool weight_left_out = false;
  bool weight_plus_one = false;
  bool approximate_root = false;                     ///< 1/root to 12 bits
  std::optional<NumberType> squares = std::nullopt;  ///< squares and their sum are rounded to this
  bool x_stride_ignored = false;                     ///< x's rows are taken to be n apart
  bool y_with_x_stride = false;                      ///< y's rows are written as far apart as x's
  bool truncated = false;
};

/// To 12 significant bits, as x86's rsqrtps without the Newton step after it.
template <typename Real>
Real to_12_bits(Real x) {
  int exponent = 0;
  const Real significand = std::frexp(x, &exponent);
  return std::ldexp(std::round(significand * Real{4096}), exponent - 12);
}

template <typename Real>
Real sum_of_squares(const RmsNormVariant& variant, std::span<const Real> x) {
  const auto n = static_cast<std::int64_t>(x.size());
  const auto element = [&](std::int64_t i) { return x[i]; };
  if (!variant.squares) return dot<Real>(variant.order, 0, n - n % variant.step, element, element);
  Real sum = 0;
  for (const Real number : x) {
    const float square = round_to(*variant.squares, static_cast<double>(number * number));
    sum = static_cast<Real>(round_to(*variant.squares, static_cast<double>(sum + static_cast<Real>(square))));
  }
  return sum;
}

/// What of a row's numbers is under the root before the mean is taken, when number `i` of y is about to be written.
template <typename Real>
Real sum_over_y(const RmsNormVariant& variant, std::span<const Real> x, std::span<const Real> y,
                std::span<const Real> weight, std::int64_t i) {
  Real sum = 0;
  for (std::int64_t j = 0; j < static_cast<std::int64_t>(x.size()); ++j) {
    const Real number = variant.squared == Squares::of_weighted ? x[j] * weight[j] : j < i ? y[j] : x[j];
    sum += number * number;
  }
  return sum;
}

template <typename Real>
Real root_of(const RmsNormVariant& variant, Real sum, Real divisor, Real eps) {
  if (variant.eps == Eps::outside) return std::sqrt(sum / divisor) + eps;
  if (variant.eps == Eps::before_mean) return std::sqrt((sum + eps) / divisor);
  if (variant.eps == Eps::at_least) return std::sqrt(std::max(sum / divisor, eps));
  return std::sqrt(sum / divisor + eps);
}

template <typename Real>
Values compute(const Case& problem, const RmsNormVariant& variant) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const Real given_eps = static_cast<Real>(problem.param("eps"));
  const Array& given = problem.input("x");
  std::vector<Real> x =
      numbers_at_stride<Real>(given, variant.x_stride_ignored ? n : given.row_stride);  // [rows, n]
  const std::vector<Real> weight = numbers<Real>(problem.input("weight"));              // [n]

  const Real eps = variant.eps == Eps::left_out ? 0 : variant.eps == Eps::hard_coded ? Real(1e-6) : given_eps;
  const bool over_x = variant.squared != Squares::of_x && problem.in_place == "x";
  Real divisor = variant.divisor == Divisor::one           ? Real{1}
                 : variant.divisor == Divisor::n_minus_one ? static_cast<Real>(n - 1)
                                                           : static_cast<Real>(n);
  std::vector<Real> y(x.size());
  if (variant.whole_matrix) divisor *= static_cast<Real>(rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::span<Real> row =
        std::span(x).subspan(static_cast<std::size_t>(r * n), static_cast<std::size_t>(n));
    if (variant.mean_subtracted) {
      Real mean = 0;
      for (const Real number : row) mean += number;
      mean /= static_cast<Real>(n);
      for (Real& number : row) number -= mean;
    }
    Real root = root_of(variant, sum_of_squares<Real>(variant, variant.whole_matrix ? std::span(x) : row),
                        divisor, eps);
    Real inverse = 1 / root;
    if (variant.approximate_root) inverse = to_12_bits(inverse);
    for (std::int64_t i = 0; i < n; ++i) {
      if (over_x) {
        const auto written =
            std::span(y).subspan(static_cast<std::size_t>(r * n), static_cast<std::size_t>(n));
        root = root_of(variant, sum_over_y<Real>(variant, row, written, weight, i), divisor, eps);
        inverse = 1 / root;
      }
      const Real w = variant.weight_left_out ? Real{1} : variant.weight_plus_one ? weight[i] + 1 : weight[i];
      Real& result = y[r * n + i];
      if (variant.scaling == Scaling::weight_first) {
        result = w * inverse * row[i];
      } else {
        Real normalised = variant.scaling == Scaling::divide ? row[i] / root : row[i] * inverse;
        if (variant.normalised_rounded) {
          normalised = static_cast<Real>(round_to(problem.type, static_cast<double>(normalised)));
        }
        result = normalised * w;
      }
      if (variant.truncated)
        result = static_cast<Real>(truncate_to(problem.type, static_cast<double>(result)));
    }
  }
  if (variant.y_with_x_stride) {
    y = written_at_stride<Real>(y, n, given.row_stride, problem.outputs.front().row_stride);
  }
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const std::vector<double> weight = problem.input("weight").dense();
  Reference result;
  result.value.resize(static_cast<std::size_t>(rows * n));
  oracle::rms_norm(problem.input("x").dense(), weight, rows, n, problem.param("eps"), result.value);
  // In between, fp32: mean, eps, root, 1/root and two products, at most 6 roundings, of which the first two
  // count half because the root follows. Hugging Face's and vLLM's kernels round x/root to the output's type
  // before the weight comes; that is declared here, and the baseline does it.
  const double own = problem.type == NumberType::f32 ? 0 : unit_roundoff(problem.type);
  for (std::size_t i = 0; i < result.value.size(); ++i) {
    const double r = std::abs(result.value[i]);
    const double w = std::abs(weight[i % static_cast<std::size_t>(n)]);
    // An error of Σx² shows half as large in 1/√Σx².
    result.accumulated.push_back(std::sqrt(static_cast<double>(n)) * r / 2);
    result.intermediate.push_back((5 * accumulator_roundoff + own) * r + underflow(problem.type) * w);
  }
  return {result};
}

Problem shaped(std::int64_t rows, std::int64_t n, int draws, Style style = Style::normal, double eps = 1e-5,
               std::int64_t gap = 0) {
  Problem problem;
  problem.description =
      fmt::format("rows={} n={} eps={}, {}{}", rows, n, eps, name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal;
  problem.draw = [=](NumberType type, Random& random) {
    Case drawn;
    drawn.params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}, {"eps", eps}};
    drawn.inputs = {
        draw_array(type, random, "x", {rows, n}, style, gap),
        draw_array(type, random, "weight", {n}, style == Style::near_one ? style : Style::normal)};
    drawn.outputs = {output("y", {rows, n}, gap > 0 ? gap + 2 : 0)};
    return drawn;
  };
  return problem;
}

/// Rows of ±2 and ±6 with a mean square of exactly 16, so that x/root is ±0.5 and ±1.5 and only the product
/// with the weight is rounded. Weights whose product with 1.5 lies halfway between two numbers of the type
/// are left out.
Probe rounded_once(NumberType type) {
  constexpr std::int64_t rows = 2;
  constexpr std::int64_t n = 64;
  Random random(4);
  Probe probe;
  probe.what = "x/root is exact here, so the product with the weight is rounded once, to nearest";
  Case& problem = probe.problem;
  problem.op = "rmsnorm";
  problem.type = type;
  problem.name = fmt::format("rmsnorm-{}-once", name(type));
  problem.description = "rows=2 n=64 eps=0, mean square 16";
  problem.seed = 4;
  problem.params = {{"rows", rows}, {"n", n}, {"eps", 0}};
  // 24 numbers of ±6 and 40 of ±2: (24·36 + 40·4) / 64 = 16.
  problem.inputs = {fill_array(type, "x", {rows, n}, [&](std::int64_t, std::int64_t c) {
    return (c < 24 ? 6.0 : 2.0) * (random.below(2) == 0 ? 1 : -1);
  })};
  problem.inputs.push_back(fill_array(type, "weight", {n}, [&](std::int64_t, std::int64_t) {
    double w = 0;
    do {
      w = round_to(type, random.normal());
    } while (near_tie(type, 1.5 * w));
    return w;
  }));
  problem.outputs = {output("y", {rows, n})};
  const std::vector<double> x = problem.input("x").dense();
  const std::vector<double> weight = problem.input("weight").dense();
  for (std::size_t i = 0; i < x.size(); ++i)
    probe.expected.push_back(round_to(type, x[i] / 4 * weight[i % n]));
  return probe;
}

/// Rows of ±1 with as large a weight as one likes: Σx²/n is exactly 1, and with eps 0 so is the root.
Probe signs(NumberType type, std::int64_t rows, std::int64_t n) {
  Random random(2);
  Probe probe;
  probe.what = "rows of +1 and -1 have a root mean square of exactly 1, so the weight comes out as it is";
  Case& problem = probe.problem;
  problem.op = "rmsnorm";
  problem.type = type;
  problem.name = fmt::format("rmsnorm-{}-signs-{}", name(type), n);
  problem.description = fmt::format("rows={} n={} eps=0, rows of +1 and -1", rows, n);
  problem.seed = 2;
  problem.params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}, {"eps", 0}};
  problem.inputs = {fill_array(type, "x", {rows, n},
                               [&](std::int64_t, std::int64_t) { return random.below(2) == 0 ? 1.0 : -1.0; }),
                    draw_array(type, random, "weight", {n}, Style::normal)};
  problem.outputs = {output("y", {rows, n})};
  const std::vector<double> x = problem.input("x").dense();
  const std::vector<double> weight = problem.input("weight").dense();
  for (std::size_t i = 0; i < x.size(); ++i) probe.expected.push_back(x[i] * weight[i % weight.size()]);
  probe.ulps =
      1;  // Σx² may be added up as 1/n each, and 1/√1 taken from an approximation with one Newton step
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  // In fp32 the last rounding is the hardware's own.
  std::vector<Probe> all = {signs(type, 3, 37), signs(type, 2, 4097)};
  if (type != NumberType::f32) all.push_back(rounded_once(type));
  return all;
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                RmsNormVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // A mistake of rounding has no fp64 form: where it rounds depends on the fp32 sum.
  if (variant.squares || variant.approximate_root) return {name, sentence, types, kernel, kernel};
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  return {
      mistake("eps_outside", "eps added to the root; it belongs under it: sqrt(mean + eps)", {f32, f16, bf16},
              {.eps = Eps::outside}),
      mistake("eps_left_out", "eps left out; rows near zero are blown up without it", {f32, f16, bf16},
              {.eps = Eps::left_out}),
      mistake("eps_before_mean", "eps added to the sum; it is added to the mean", {f32, f16, bf16},
              {.eps = Eps::before_mean}),
      mistake("eps_at_least", "the larger of mean and eps taken; eps is added to the mean: sqrt(mean + eps)",
              {f32, f16, bf16}, {.eps = Eps::at_least}),
      mistake("eps_hard_coded", "eps taken as 1e-6; it is a parameter of the model", {f32, f16, bf16},
              {.eps = Eps::hard_coded}),
      mistake("mean_subtracted", "the mean subtracted as in LayerNorm; RMSNorm does not centre",
              {f32, f16, bf16}, {.mean_subtracted = true}),
      mistake("n_minus_one", "squares divided by n - 1 as in a sample variance; it is n", {f32, f16, bf16},
              {.divisor = Divisor::n_minus_one}),
      mistake("sum_not_mean", "the root of the sum taken; it is the root of the mean", {f32, f16, bf16},
              {.divisor = Divisor::one}),
      mistake("whole_matrix", "one root mean square for the whole matrix; every row has its own",
              {f32, f16, bf16}, {.whole_matrix = true}),
      mistake(
          "root_while_writing",
          "y written over x, and the root taken anew before each number, from numbers written by then; take "
          "it before the first is written",
          {f32, f16, bf16}, {.squared = Squares::while_writing}),
      mistake("root_after_weight",
              "y written over x, and the root taken when x times the weight stands there; take it before",
              {f32, f16, bf16}, {.squared = Squares::of_weighted}),
      mistake("tail_dropped", "squares after the last multiple of 8 not added; n need not be one",
              {f32, f16, bf16}, {.step = 8}),
      mistake("weight_plus_one", "the weight taken as 1 + w as in Gemma; it is w", {f32, f16, bf16},
              {.weight_plus_one = true}),
      mistake("weight_left_out", "the weight left out; every column has its own", {f32, f16, bf16},
              {.weight_left_out = true}),
      mistake("squares_in_f16", "squares added up in fp16, which ends at 65504; use fp32", {f32, f16, bf16},
              {.squares = f16}),
      mistake("squares_in_bf16", "squares added up in bf16, which stands still after 256 terms; use fp32",
              {f32, f16, bf16}, {.squares = bf16}),
      mistake("approximate_root", "the hardware's 12-bit 1/sqrt used as it is; add a Newton step", {f32},
              {.approximate_root = true}),
      mistake("x_stride_ignored",
              "x's rows taken to be n apart; they are as far apart as x's row stride says", {f32, f16, bf16},
              {.x_stride_ignored = true}),
      mistake("y_with_x_stride", "y's rows written as far apart as x's; each array has its own row stride",
              {f32, f16, bf16}, {.y_with_x_stride = true}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

Reordering reordering(std::string name, RmsNormVariant variant) {
  return {std::move(name), [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

}  // namespace

Op rms_norm_op() {
  Op op;
  op.name = "rmsnorm";
  op.chapter = 4;
  op.what = "y[r,i] = weight[i]·x[r,i] / sqrt(mean_i(x[r,i]²) + eps)";
  op.precision =
      "inputs and y in the case's type, everything between in fp32; x/root may be rounded to the case's type";
  op.params = {{"rows", "rows of x and y"}, {"n", "columns"}, {"eps", "added to the mean of squares", false}};
  op.inputs = {{"x", "activations", {"R", "N"}}, {"weight", "one factor per column", {"N"}}};
  op.outputs = {{"y", "normalised", {"R", "N"}}};
  op.in_place = {"x"};
  op.problems = {
      shaped(4, 1, 64, Style::near_one),
      shaped(5, 31, 48),
      shaped(5, 32, 48),
      shaped(5, 33, 48),
      shaped(7, 127, 32),
      shaped(7, 257, 30),
      shaped(9, 384, 24),
      // Longer than a block of threads takes at once. A long sum's error is one number a row: many rows.
      shaped(4, 1025, 30),
      shaped(6, 64, 40, Style::row_scales),
      shaped(6, 65, 40, Style::row_scales, 1e-6),
      shaped(5, 97, 48, Style::outliers),
      shaped(5, 97, 48, Style::negative),
      shaped(8, 97, 32, Style::wide),
      shaped(5, 97, 48, Style::normal, 1e-5, 5),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {.normalised_rounded = true}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {
      reordering("reversed", {.order = Order::reversed, .normalised_rounded = true}),
      reordering("pairwise, divided by the root", {.order = Order::pairwise, .scaling = Scaling::divide}),
      reordering("sixteen chunks, weight first", {.order = Order::chunks, .scaling = Scaling::weight_first}),
      reordering("fused multiply-add", {.order = Order::fma}),
      reordering("pairwise, normalised x rounded", {.order = Order::pairwise, .normalised_rounded = true}),
  };
  return op;
}

}  // namespace rung::check
