#include "core/oracle/linear.h"

#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct LinearVariant {
  Order order = Order::sequential;
  std::int64_t first_k = 0;   ///< the sum starts here
  std::int64_t k_step = 1;    ///< the sum ends at the last multiple of this
  std::int64_t row_tile = 1;  ///< rows after the last whole tile are never written
  bool transposed = false;    ///< W is read as [K, N]
  bool seams_twice = false;   ///< the term at each seam of two chunks of 32 is added to both
  std::optional<NumberType> running_sum = std::nullopt;  ///< the sum is rounded to this after every term
  std::optional<NumberType> partial_sums =
      std::nullopt;  ///< sums over 32 terms are rounded to this before they are added
  std::optional<NumberType> operands = std::nullopt;  ///< both operands are rounded to this first
  bool w_with_x_stride = false;                       ///< w's rows are read as far apart as x's
  bool saturated = false;                             ///< the result is clamped to fp16's range
  bool tf32 = false;                                  ///< both operands are rounded to 11 significant bits
  bool truncated = false;                             ///< the result is cut off, not rounded
};

/// To TF32's 10 + 1 bits of significand, ties away from zero as cvt.rna does; the exponent is fp32's.
float to_tf32(float x) {
  int exponent = 0;
  const float significand = std::frexp(x, &exponent);
  return std::ldexp(std::round(significand * 0x1p11F), exponent - 11);
}

template <typename Real>
Values compute(const Case& problem, const LinearVariant& variant) {
  const std::int64_t M = problem.integer("M");
  const std::int64_t N = problem.integer("N");
  const std::int64_t K = problem.integer("K");
  std::vector<Real> x = numbers<Real>(problem.input("x"));  // [M, K]
  const Array& weights = problem.input("w");
  std::vector<Real> w = numbers_at_stride<Real>(
      weights, variant.w_with_x_stride ? problem.input("x").row_stride : weights.row_stride);  // [N, K]
  for (std::vector<Real>* operand : {&x, &w}) {
    for (Real& number : *operand) {
      if (variant.operands)
        number = static_cast<Real>(round_to(*variant.operands, static_cast<double>(number)));
      if (variant.tf32) number = static_cast<Real>(to_tf32(static_cast<float>(number)));
    }
  }

  const std::int64_t last = K - K % variant.k_step;
  std::vector<Real> y(static_cast<std::size_t>(M * N), std::numeric_limits<Real>::quiet_NaN());
  for (std::int64_t m = 0; m < M - M % variant.row_tile; ++m) {
    for (std::int64_t n = 0; n < N; ++n) {
      const auto a = [&](std::int64_t k) { return x[m * K + k]; };
      const auto b = [&](std::int64_t k) { return variant.transposed ? w[k * N + n] : w[n * K + k]; };
      Real& sum = y[m * N + n];
      if (variant.running_sum) {
        sum = 0;
        for (std::int64_t k = 0; k < K; ++k) {
          sum = static_cast<Real>(round_to(*variant.running_sum, static_cast<double>(sum + a(k) * b(k))));
        }
      } else if (variant.partial_sums || variant.seams_twice) {
        sum = 0;
        for (std::int64_t start = 0; start < K; start += 32) {
          const std::int64_t end = std::min(K, start + 32 + (variant.seams_twice ? 1 : 0));
          Real part = 0;
          for (std::int64_t k = start; k < end; ++k) part += a(k) * b(k);
          if (variant.partial_sums) {
            part = static_cast<Real>(round_to(*variant.partial_sums, static_cast<double>(part)));
          }
          sum += part;
        }
      } else {
        sum = dot<Real>(variant.order, std::min(variant.first_k, last), last, a, b);
      }
      if (variant.saturated) sum = std::min(std::max(sum, Real{-65504}), Real{65504});
      if (variant.truncated) sum = static_cast<Real>(truncate_to(problem.type, static_cast<double>(sum)));
    }
  }
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::int64_t M = problem.integer("M");
  const std::int64_t N = problem.integer("N");
  const std::int64_t K = problem.integer("K");
  std::vector<double> x = problem.input("x").dense();
  std::vector<double> w = problem.input("w").dense();
  Reference result;
  result.value.resize(static_cast<std::size_t>(M * N));
  oracle::linear(x, w, M, N, K, result.value);
  for (double& sum : result.value) sum = within_range(problem.type, sum);
  for (double& number : x) number = std::abs(number);
  for (double& number : w) number = std::abs(number);
  result.accumulated.resize(result.value.size());
  oracle::linear(x, w, M, N, K, result.accumulated);
  for (double& sum : result.accumulated) sum *= std::sqrt(static_cast<double>(K));
  result.intermediate.assign(result.value.size(), 0);
  return {result};
}

Case with_shape(std::int64_t M, std::int64_t N, std::int64_t K, Array x, Array w, std::int64_t gap) {
  Case problem;
  problem.params = {
      {"M", static_cast<double>(M)}, {"N", static_cast<double>(N)}, {"K", static_cast<double>(K)}};
  problem.inputs = {std::move(x), std::move(w)};
  problem.outputs = {output("y", {M, N}, gap > 0 ? gap + 5 : 0)};
  return problem;
}

/// Puts the columns of both arrays in the same random order.
void shuffle_columns(Random& random, Array& x, Array& w) {
  for (std::int64_t k = x.columns() - 1; k > 0; --k) {
    const std::int64_t other = random.below(k + 1);
    for (Array* array : {&x, &w}) {
      for (std::int64_t r = 0; r < array->rows(); ++r) {
        std::swap(array->values[r * array->row_stride + k], array->values[r * array->row_stride + other]);
      }
    }
  }
}

Problem shaped(std::int64_t M, std::int64_t N, std::int64_t K, int draws, Style style = Style::normal,
               std::int64_t gap = 0) {
  Problem problem;
  problem.description =
      fmt::format("M={} N={} K={}, {}{}", M, N, K, name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal;
  problem.draw = [=](NumberType type, Random& random) {
    Array x = draw_array(type, random, "x", {M, K}, style, gap);
    // Against pairs x, −x a weight of nearly equal pairs cancels.
    double before = 0;
    Array w = fill_array(
        type, "w", {N, K},
        [&](std::int64_t n, std::int64_t k) {
          if (style == Style::huge) return 128 * random.normal();
          if (style == Style::wide && type != NumberType::f16)
            return std::pow(1e8, n % 3 - 1) * random.normal();
          const bool second = style == Style::cancellation && k % 2 == 1;
          before = second ? before + 0x1p-5 * random.normal() : random.normal();
          return style == Style::negative ? -std::abs(before) : before;
        },
        gap > 0 ? gap + 2 : 0);
    // Neighbours that cancel would favour the sequential sum: no order may know where a term's opposite is.
    if (style == Style::cancellation) shuffle_columns(random, x, w);
    return with_shape(M, N, K, std::move(x), std::move(w), gap);
  };
  return problem;
}

/// Whole numbers up to `x_largest` and `w_largest`: with K·x·w < 2^24 every partial sum is exact in fp32, in
/// any order, so the result is the exact sum rounded once.
Probe whole_numbers(NumberType type, std::int64_t M, std::int64_t N, std::int64_t K, std::int64_t x_largest,
                    std::int64_t w_largest, std::string what) {
  Random random(1);
  const auto whole = [&](std::int64_t largest) {
    return [&random, largest](std::int64_t, std::int64_t) {
      return static_cast<double>(random.below(2 * largest + 1) - largest);
    };
  };
  Array x = fill_array(type, "x", {M, K}, whole(x_largest));
  Array w = fill_array(type, "w", {N, K}, whole(w_largest));
  Probe probe{
      .problem = with_shape(M, N, K, std::move(x), std::move(w), 0), .expected = {}, .what = std::move(what)};
  probe.problem.op = "linear";
  probe.problem.type = type;
  probe.problem.name = fmt::format("linear-{}-whole-{}-k{}", name(type), x_largest, K);
  probe.problem.description =
      fmt::format("M={} N={} K={}, whole numbers up to {} and {}", M, N, K, x_largest, w_largest);
  probe.problem.seed = 1;
  const std::vector<Reference> exact = reference(probe.problem);
  for (const double sum : exact[0].value) probe.expected.push_back(round_to(type, sum));
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  const bool single = type == NumberType::f32;
  return {whole_numbers(type, 33, 35, 129, 1, 2, "small whole numbers are added without any rounding"),
          whole_numbers(type, 33, 35, 129, single ? 4095 : 15, single ? 31 : 15,
                        single ? "these whole numbers and all their sums are exact in fp32"
                               : "the sum is exact in fp32, so it is rounded once, to nearest, ties to even"),
          whole_numbers(type, 2, 33, 4097, 15, 15, "all K terms belong to the sum, however many there are")};
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                LinearVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // A mistake of rounding has no fp64 form: where it rounds depends on the fp32 sum.
  if (variant.running_sum || variant.partial_sums) return {name, sentence, types, kernel, kernel};
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  return {
      mistake("transposed_weight", "W read as [K, N]; weights are [N, K], one row per output",
              {f32, f16, bf16}, {.transposed = true}),
      mistake("last_k_dropped", "K rounded down to a multiple of 8; the last K % 8 terms belong to the sum",
              {f32, f16, bf16}, {.k_step = 8}),
      mistake("first_k_dropped", "the sum starts at k = 1; it starts at k = 0", {f32, f16, bf16},
              {.first_k = 1}),
      mistake("row_tail_dropped",
              "rows after the last whole tile of 32 not written; M need not be a multiple of it",
              {f32, f16, bf16}, {.row_tile = 32}),
      mistake("seams_twice",
              "chunks of K overlap by one term, which is added twice; a chunk ends before the next one",
              {f32, f16, bf16}, {.seams_twice = true}),
      mistake("sum_in_f16", "the running sum kept in fp16; accumulate in fp32", {f16}, {.running_sum = f16}),
      mistake("sum_in_bf16", "the running sum kept in bf16; accumulate in fp32", {bf16},
              {.running_sum = bf16}),
      mistake("partial_sums_in_f16",
              "partial sums of K's chunks stored in fp16; keep them in fp32 until the end", {f32, f16},
              {.partial_sums = f16}),
      mistake("partial_sums_in_bf16",
              "partial sums of K's chunks stored in bf16; keep them in fp32 until the end", {f32, f16, bf16},
              {.partial_sums = bf16}),
      mistake("operands_in_tf32", "operands rounded to TF32's 11 bits; fp32 inputs have 24", {f32},
              {.tf32 = true}),
      mistake("operands_in_bf16", "operands rounded to bf16's 8 bits; use the type they are given in",
              {f32, f16}, {.operands = bf16}),
      mistake("operands_in_f16",
              "operands rounded to fp16, its 11 bits and its range; use the type they are given in",
              {f32, bf16}, {.operands = f16}),
      mistake("w_with_x_stride", "w's rows read as far apart as x's; each array has its own row stride",
              {f32, f16, bf16}, {.w_with_x_stride = true}),
      mistake("saturated",
              "a sum beyond fp16's largest number stored as 65504; it rounds to infinity, as a plain "
              "conversion does",
              {f16}, {.saturated = true}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

Reordering reordering(std::string name, Order order) {
  return {std::move(name),
          [order](const Case& problem) { return compute<float>(problem, {.order = order}); }};
}

}  // namespace

Op linear_op() {
  Op op;
  op.name = "linear";
  op.chapter = 2;
  op.what = "y = x·Wᵀ: y[m,n] = Σ_k x[m,k]·w[n,k]";
  op.precision = "inputs and y in the case's type, sums in fp32, one rounding at the end";
  op.params = {{"M", "rows of x and y"}, {"N", "rows of w, columns of y"}, {"K", "terms of each sum"}};
  op.inputs = {{"x", "activations", {"M", "K"}}, {"w", "weights, one row per output", {"N", "K"}}};
  op.outputs = {{"y", "the product", {"M", "N"}}};
  op.problems = {
      shaped(1, 1, 1, 64),      // nothing but one product
      shaped(5, 33, 1, 16),     // K = 1
      shaped(1, 67, 129, 16),   // a decode step
      shaped(37, 1, 64, 48),    // one output
      shaped(31, 31, 31, 2),    // one less than a tile in every dimension
      shaped(32, 32, 32, 2),    // whole tiles
      shaped(33, 33, 33, 2),    // one more
      shaped(1, 19, 1025, 32),  // a long sum
      shaped(65, 129, 64, 1),   // one more than a larger tile, of rows or columns
      shaped(129, 65, 64, 1),
      shaped(7, 43, 61, 16, Style::row_scales),
      shaped(12, 33, 41, 12, Style::outliers),
      shaped(7, 43, 61, 4, Style::negative),
      shaped(7, 43, 62, 4, Style::cancellation),
      shaped(8, 33, 41, 16, Style::wide),
      shaped(7, 43, 41, 4, Style::huge),
      shaped(7, 43, 53, 4, Style::normal, 7),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {reordering("reversed", Order::reversed), reordering("pairwise", Order::pairwise),
                    reordering("sixteen chunks", Order::chunks),
                    reordering("fused multiply-add", Order::fma)};
  return op;
}

}  // namespace rung::check
