#include <cmath>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"
#include "core/oracle/rms_norm.h"

namespace rung::check {
namespace {

enum class Normed { sum, x, residual };
enum class Summed { sum, x, norm };

/// What a variant does other than the plain loop.
struct AddRmsNormVariant {
  Order order = Order::sequential;
  bool sum_rounded = false;         ///< the norm is that of the sum as it was written
  bool normalised_rounded = false;  ///< sum/root is rounded to the output's type before the weight comes
  Normed normed = Normed::sum;      ///< of what y is the norm
  Summed summed = Summed::sum;      ///< what is written as the sum
  bool eps_left_out = false;
  bool eps_outside = false;
  bool weight_left_out = false;
  std::int64_t step = 1;                ///< squares after the last multiple of this are not added
  bool residual_with_x_stride = false;  ///< the residual's rows are read as far apart as x's
};

template <typename Real>
Values compute(const Case& problem, const AddRmsNormVariant& variant) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const Real eps = variant.eps_left_out || variant.eps_outside ? 0 : static_cast<Real>(problem.param("eps"));
  const Array& given = problem.input("residual");
  const std::vector<Real> x = numbers<Real>(problem.input("x"));  // [rows, n]
  const std::vector<Real> residual = numbers_at_stride<Real>(
      given, variant.residual_with_x_stride ? problem.input("x").row_stride : given.row_stride);  // [rows, n]
  const std::vector<Real> weight = numbers<Real>(problem.input("weight"));                        // [n]
  std::vector<Real> sum(x.size());
  std::vector<Real> y(x.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<Real> row(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t at = r * n + i;
      sum[at] = x[at] + residual[at];
      if (variant.sum_rounded)
        sum[at] = static_cast<Real>(round_to(problem.type, static_cast<double>(sum[at])));
      row[i] = variant.normed == Normed::x          ? x[at]
               : variant.normed == Normed::residual ? residual[at]
                                                    : sum[at];
    }
    const auto of_row = [&](std::int64_t i) { return row[i]; };
    const Real squares = dot<Real>(variant.order, 0, n - n % variant.step, of_row, of_row);
    Real root = std::sqrt(squares / static_cast<Real>(n) + eps);
    if (variant.eps_outside) root += static_cast<Real>(problem.param("eps"));
    for (std::int64_t i = 0; i < n; ++i) {
      Real normalised = row[i] * (1 / root);
      if (variant.normalised_rounded)
        normalised = static_cast<Real>(round_to(problem.type, static_cast<double>(normalised)));
      y[r * n + i] = normalised * (variant.weight_left_out ? Real{1} : weight[i]);
    }
  }
  if (variant.summed == Summed::x) sum = x;
  if (variant.summed == Summed::norm) sum = y;
  return {rounded<Real>(problem.type, sum), rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const std::vector<double> x = problem.input("x").dense();
  const std::vector<double> residual = problem.input("residual").dense();
  const std::vector<double> weight = problem.input("weight").dense();
  Reference sum;
  for (std::size_t i = 0; i < x.size(); ++i) sum.value.push_back(x[i] + residual[i]);
  sum.accumulated.assign(x.size(), 0);
  for (const double s : sum.value) sum.intermediate.push_back(accumulator_roundoff * std::abs(s));
  Reference y;
  y.value.resize(x.size());
  oracle::rms_norm(sum.value, weight, rows, n, problem.param("eps"), y.value);
  // As for rmsnorm, and the norm may be that of the sum as it was rounded to the case's type: each number of it is
  // then off by u, and so is, at most, the root.
  const double own = problem.type == NumberType::f32 ? accumulator_roundoff : unit_roundoff(problem.type);
  const double normalised = problem.type == NumberType::f32 ? 0 : own;
  for (std::size_t i = 0; i < y.value.size(); ++i) {
    const double r = std::abs(y.value[i]);
    const double w = std::abs(weight[i % static_cast<std::size_t>(n)]);
    y.accumulated.push_back(std::sqrt(static_cast<double>(n)) * r / 2);
    y.intermediate.push_back((5 * accumulator_roundoff + normalised + 2 * own) * r +
                             underflow(problem.type) * w);
  }
  return {sum, y};
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
        draw_array(type, random, "residual", {rows, n}, style, gap > 0 ? gap + 2 : 0),
        draw_array(type, random, "weight", {n}, style == Style::near_one ? style : Style::normal)};
    drawn.outputs = {output("sum", {rows, n}, gap > 0 ? gap + 3 : 0),
                     output("y", {rows, n}, gap > 0 ? gap + 5 : 0)};
    return drawn;
  };
  return problem;
}

/// x and residual whole, so that the sum is exact.
std::vector<Probe> probes(NumberType type) {
  constexpr std::int64_t rows = 2;
  constexpr std::int64_t n = 67;
  Random random(10);
  const auto whole = [&](std::int64_t, std::int64_t) { return static_cast<double>(random.below(101)) - 50; };
  Probe probe;
  probe.what = "sums of small whole numbers are exact";
  Case& problem = probe.problem;
  problem.op = "add_rmsnorm";
  problem.type = type;
  problem.name = fmt::format("add_rmsnorm-{}-whole", name(type));
  problem.description = "rows=2 n=67, whole numbers from -50 to 50";
  problem.seed = 10;
  problem.params = {{"rows", rows}, {"n", n}, {"eps", 1e-5}};
  problem.inputs = {fill_array(type, "x", {rows, n}, whole), fill_array(type, "residual", {rows, n}, whole),
                    draw_array(type, random, "weight", {n}, Style::normal)};
  problem.outputs = {output("sum", {rows, n}), output("y", {rows, n})};
  probe.expected = reference(problem)[0].value;
  return {probe};
}

Mistake mistake(std::string name, std::string sentence, AddRmsNormVariant variant) {
  using enum NumberType;
  variant.sum_rounded = false;
  return {std::move(name),
          std::move(sentence),
          {f32, f16, bf16},
          [variant](const Case& problem) { return compute<double>(problem, variant); },
          [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

Reordering reordering(std::string name, AddRmsNormVariant variant) {
  return {std::move(name), [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

}  // namespace

Op add_rms_norm_op() {
  Op op;
  op.name = "add_rmsnorm";
  op.chapter = 13;
  op.what = "sum = x + residual, y[r,i] = weight[i]·sum[r,i] / sqrt(mean_i(sum[r,i]²) + eps)";
  op.precision =
      "inputs and outputs in the case's type, everything between in fp32; the norm may be that of the sum "
      "before "
      "or after it is rounded; sum/root may be rounded to the case's type";
  op.params = {{"rows", "rows of x, residual, sum and y"},
               {"n", "columns"},
               {"eps", "added to the mean of squares", false}};
  op.inputs = {{"x", "what a block gave", {"R", "N"}},
               {"residual", "what went past it", {"R", "N"}},
               {"weight", "one factor per column", {"N"}}};
  op.outputs = {{"sum", "what goes past the next block", {"R", "N"}},
                {"y", "normalised, for the next block", {"R", "N"}}};
  op.problems = {shaped(4, 1, 64, Style::near_one),
                 shaped(5, 33, 24),
                 shaped(7, 127, 16),
                 shaped(9, 384, 10),
                 shaped(4, 1025, 16),
                 shaped(6, 65, 24, Style::row_scales, 1e-6),
                 shaped(5, 97, 24, Style::outliers),
                 shaped(5, 97, 24, Style::normal, 1e-5, 5)};
  op.reference = reference;
  op.baseline = [](const Case& problem) {
    return compute<float>(problem, {.sum_rounded = true, .normalised_rounded = true});
  };
  op.probes = probes;
  op.mistakes = {
      mistake("norm_of_x", "the norm taken of x; it is that of x + residual", {.normed = Normed::x}),
      mistake("norm_of_residual", "the norm taken of the residual; it is that of x + residual",
              {.normed = Normed::residual}),
      mistake("x_for_sum", "x written as the sum; the residual belongs to it", {.summed = Summed::x}),
      mistake("norm_for_sum",
              "the norm written as the sum, too; what goes past the next block is not normalised",
              {.summed = Summed::norm}),
      mistake("eps_left_out", "eps left out; rows near zero are blown up without it", {.eps_left_out = true}),
      mistake("eps_outside", "eps added to the root; it belongs under it: sqrt(mean + eps)",
              {.eps_outside = true}),
      mistake("weight_left_out", "the weight left out; every column has its own", {.weight_left_out = true}),
      mistake("tail_dropped", "squares after the last multiple of 8 not added; n need not be one",
              {.step = 8}),
      mistake("residual_with_x_stride",
              "the residual's rows read as far apart as x's; each array has its own row stride",
              {.residual_with_x_stride = true}),
  };
  op.reorderings = {
      reordering("reversed", {.order = Order::reversed}),
      reordering("pairwise, of the written sum", {.order = Order::pairwise, .sum_rounded = true}),
      reordering("sixteen chunks", {.order = Order::chunks, .sum_rounded = true, .normalised_rounded = true}),
  };
  return op;
}

}  // namespace rung::check
