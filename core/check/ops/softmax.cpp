#include "core/oracle/softmax.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// `of_others`: the last number of a row is not looked at. `at_least_low`: it begins at -1e4.
enum class Maximum { of_row, at_least_zero, at_least_low, of_others, none };

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct SoftmaxVariant {
  Order order = Order::sequential;
  std::int64_t block = 0;   ///< maximum and sum in one pass over blocks of this many logits; 0: two passes
  bool reciprocal = false;  ///< times 1/sum instead of divided by it
  Maximum maximum = Maximum::of_row;
  bool not_rescaled = false;       ///< one pass, but the sum is left as it is when the maximum grows
  bool masked_block_nan = false;   ///< one pass: −∞ − −∞ is taken as it comes until a logit is seen
  std::int64_t step = 1;           ///< terms after the last multiple of this are not added to the sum
  bool columns = false;            ///< over the rows instead of the columns
  bool base_two = false;           ///< 2^x instead of e^x
  bool masked_row_zeroed = false;  ///< one −∞ makes the whole row 0
  bool masked_row_nan = false;     ///< −∞ − −∞ is taken as it comes
  double added = 0;                ///< added to the sum
  bool exponentials_rounded = false;                    ///< to the case's type, before they are added up
  bool y_with_x_stride = false;                         ///< y's rows are written as far apart as x's
  std::optional<NumberType> difference = std::nullopt;  ///< x − max is rounded to this
  std::optional<NumberType> sum = std::nullopt;         ///< the sum is rounded to this after every term
  bool truncated = false;
};

/// Σ of the row's exponentials, one pass over blocks, with the maximum found on the way.
template <typename Real>
Real online_sum(const SoftmaxVariant& variant, std::span<const Real> x) {
  constexpr Real masked = -std::numeric_limits<Real>::infinity();
  Real largest = masked;
  Real sum = 0;
  for (std::size_t start = 0; start < x.size(); start += static_cast<std::size_t>(variant.block)) {
    const auto block = x.subspan(start, std::min(static_cast<std::size_t>(variant.block), x.size() - start));
    const Real grown = std::max(largest, *std::max_element(block.begin(), block.end()));
    if (grown == masked && !variant.masked_block_nan) continue;
    if (grown > largest && !variant.not_rescaled) sum *= std::exp(largest - grown);
    largest = grown;
    for (const Real number : block) sum += std::exp(number - largest);
  }
  return sum;
}

template <typename Real>
void one_row(NumberType type, const SoftmaxVariant& variant, std::span<const Real> x, std::span<Real> y) {
  constexpr Real masked = -std::numeric_limits<Real>::infinity();
  const auto n = static_cast<std::int64_t>(x.size());
  const bool from_masked = variant.maximum == Maximum::of_row || variant.maximum == Maximum::of_others;
  Real largest = from_masked ? masked : variant.maximum == Maximum::at_least_low ? Real{-1e4} : Real{0};
  if (variant.maximum != Maximum::none) {
    const bool last_left_out = variant.maximum == Maximum::of_others && n > 1;
    for (const Real number : x.first(last_left_out ? x.size() - 1 : x.size()))
      largest = std::max(largest, number);
  }
  for (std::int64_t i = 0; i < n; ++i) {
    Real difference = x[i] - largest;
    if (variant.difference)
      difference = static_cast<Real>(round_to(*variant.difference, static_cast<double>(difference)));
    const bool zero = x[i] == masked && !variant.masked_row_nan;
    y[i] = zero ? 0 : variant.base_two ? std::exp2(difference) : std::exp(difference);
    if (variant.exponentials_rounded) y[i] = static_cast<Real>(round_to(type, static_cast<double>(y[i])));
  }
  Real sum = 0;
  if (variant.block > 0) {
    sum = online_sum(variant, x);
  } else if (variant.sum) {
    for (const Real e : y) sum = static_cast<Real>(round_to(*variant.sum, static_cast<double>(sum + e)));
  } else {
    sum = dot<Real>(
        variant.order, 0, n - n % variant.step, [&](std::int64_t i) { return y[i]; },
        [](std::int64_t) { return Real{1}; });
  }
  sum += static_cast<Real>(variant.added);
  const bool any_masked = std::find(x.begin(), x.end(), masked) != x.end();
  const bool all_masked =
      variant.masked_row_zeroed ? any_masked : largest == masked && !variant.masked_row_nan;
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
  if (variant.y_with_x_stride) {
    y = written_at_stride<Real>(y, n, problem.input("x").row_stride, problem.outputs.front().row_stride);
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

enum class Mask {
  none,
  third,    ///< about a third of the logits is −∞, and so is all of row 1
  finite,   ///< about a third is a number so low that nothing is left of it, as models mask that avoid −∞
  leading,  ///< the first 64 to 130 logits of each row are −∞, as where a batch is padded on the left
};

/// Logits scale·style + shift.
struct Logits {
  Style style = Style::normal;
  double scale = 1;
  double shift = 0;
  Mask mask = Mask::none;
  std::int64_t gap = 0;  ///< between the rows of x; those of y are further apart
};

std::string text(const Logits& logits) {
  std::string description(name(logits.style));
  if (logits.scale != 1) description += fmt::format(" times {}", logits.scale);
  if (logits.shift != 0) description += fmt::format(" {:+}", logits.shift);
  if (logits.mask == Mask::third) {
    description += ", a third masked (-inf), row 1 altogether (defined as 0)";
  }
  if (logits.mask == Mask::finite) description += ", a third masked by a large negative number";
  if (logits.mask == Mask::leading) description += ", the first 64 to 130 masked (-inf)";
  if (logits.gap > 0) description += ", strided rows";
  return description;
}

Problem shaped(std::int64_t rows, std::int64_t n, int draws, Logits logits = {}) {
  Problem problem;
  problem.description = fmt::format("rows={} n={}, {}", rows, n, text(logits));
  problem.draws = draws;
  problem.normal =
      logits.style == Style::normal && logits.scale == 1 && logits.shift == 0 && logits.mask == Mask::none;
  problem.draw = [=](NumberType type, Random& random) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    // fp16 ends at 65504; the other two go on to 3e38.
    const float low = round_to(type, type == NumberType::f16 ? -6e4 : -1e30);
    constexpr std::int64_t padding[] = {64, 100, 127, 128, 130};
    Array x = draw_array(type, random, "x", {rows, n}, logits.style, logits.gap);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < n; ++i) {
        float& logit = x.values[r * x.row_stride + i];
        logit = round_to(type, logits.scale * static_cast<double>(logit) + logits.shift);
        switch (logits.mask) {
          case Mask::none:
            break;
          case Mask::third:
            if (r == 1 || random.below(3) == 0) logit = -infinity;
            break;
          case Mask::finite:
            if (random.below(3) == 0) logit = low;
            break;
          case Mask::leading:
            if (i < padding[r % std::ssize(padding)]) logit = -infinity;
            break;
        }
      }
    }
    Case drawn;
    drawn.params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}};
    drawn.inputs = {std::move(x)};
    drawn.outputs = {output("y", {rows, n}, logits.gap > 0 ? logits.gap + 2 : 0)};
    return drawn;
  };
  return problem;
}

/// Equal logits, any number of them: 1/n each; with a power of two of them, exactly.
Probe equal_logits(NumberType type, std::int64_t n, double logit) {
  constexpr std::int64_t rows = 2;
  Probe probe;
  probe.what = "equal scores share equally";
  Case& problem = probe.problem;
  problem.op = "softmax";
  problem.type = type;
  problem.name = fmt::format("softmax-{}-equal-{}", name(type), n);
  problem.description = fmt::format("rows=2 n={}, every score {}", n, logit);
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

/// Four steps up, each so high that nothing is left of what lies below: the last 1025 of 4097 logits share
/// equally. A sum over blocks that is not rescaled at a step, or does not reach the end, comes out wrong.
Probe steps(NumberType type) {
  constexpr std::int64_t n = 4097;
  constexpr std::int64_t step = 1024;
  Probe probe;
  probe.what =
      "the last 1025 scores share equally, whatever block they are in; those 200 below them have nothing";
  Case& problem = probe.problem;
  problem.op = "softmax";
  problem.type = type;
  problem.name = fmt::format("softmax-{}-steps", name(type));
  problem.description = "rows=1 n=4097, scores in steps of 200";
  problem.params = {{"rows", 1}, {"n", n}};
  const auto of = [](std::int64_t i) { return std::min<std::int64_t>(i / step, 3); };
  problem.inputs = {fill_array(
      type, "x", {1, n}, [&](std::int64_t, std::int64_t i) { return 200 * static_cast<double>(of(i) - 3); })};
  problem.outputs = {output("y", {1, n})};
  for (std::int64_t i = 0; i < n; ++i) probe.expected.push_back(of(i) == 3 ? 1.0 / (step + 1) : 0);
  probe.ulps = type == NumberType::f32 ? 2 : 1;
  return probe;
}

/// Rows of two logits, 0 and −d, whose share exp(−d)/(1 + exp(−d)) is not near the middle between two numbers
/// of the type: rounded once, it is known exactly.
Probe rounded_once(NumberType type) {
  constexpr std::int64_t rows = 64;
  Random random(6);
  const auto share = [](double d) { return std::exp(-d) / (1 + std::exp(-d)); };
  Probe probe;
  probe.what = "exponentials and their sum are kept in fp32, so each share is rounded once, to nearest";
  Case& problem = probe.problem;
  problem.op = "softmax";
  problem.type = type;
  problem.name = fmt::format("softmax-{}-once", name(type));
  problem.description = "rows=64 n=2, scores 0 and -3 to 0";
  problem.seed = 6;
  problem.params = {{"rows", rows}, {"n", 2}};
  problem.inputs = {fill_array(type, "x", {rows, 2}, [&](std::int64_t, std::int64_t c) {
    if (c == 0) return 0.0;
    double d = 0;
    do {
      d = round_to(type, 3 * random.uniform());
    } while (near_tie(type, share(d)) || near_tie(type, share(-d)));
    return -d;
  })};
  for (std::int64_t r = 0; r < rows; ++r) {
    const double d = -static_cast<double>(problem.inputs[0].row(r)[1]);
    probe.expected.push_back(round_to(type, share(-d)));
    probe.expected.push_back(round_to(type, share(d)));
  }
  problem.outputs = {output("y", {rows, 2})};
  return probe;
}

/// One score of a row far above all others, each of a row's places in turn: it has all of the weight.
Probe one_above(NumberType type) {
  constexpr std::int64_t n = 16;
  Probe probe;
  probe.what = "a score that is 200 above all others has all of the weight, wherever it stands";
  Case& problem = probe.problem;
  problem.op = "softmax";
  problem.type = type;
  problem.name = fmt::format("softmax-{}-one-above", name(type));
  problem.description = "rows=16 n=16, scores 0, and in row r 200 at place r";
  problem.params = {{"rows", n}, {"n", n}};
  problem.inputs = {
      fill_array(type, "x", {n, n}, [](std::int64_t r, std::int64_t i) { return r == i ? 200.0 : 0.0; })};
  problem.outputs = {output("y", {n, n})};
  for (std::int64_t i = 0; i < n * n; ++i) probe.expected.push_back(i % n == i / n ? 1 : 0);
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  std::vector<Probe> all = {equal_logits(type, 1, 200), equal_logits(type, 64, -150),
                            equal_logits(type, 33, 3), steps(type), one_above(type)};
  // In fp32 the last rounding is the hardware's own.
  if (type != NumberType::f32) all.push_back(rounded_once(type));
  return all;
}

/// Without the maximum subtracted, exp is asked for more than fp32 holds, or for so little that less than its
/// 24 bits are left. Then it may be that one exp gives infinity and 0, another its largest and smallest number,
/// and that a sum of 0 is looked after, or a row that is masked altogether, or not.
Chance beyond_range(const Case& problem) {
  // Well inside fp32's range, which ends at e^88.7 and e^-87.3, so that there is room for sums of many.
  constexpr double safe = 80;
  constexpr double sure = 105;  // e^-104 is no number of fp32 at all
  const Array& x = problem.input("x");
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto row = x.row(r);
    const float largest = *std::max_element(row.begin(), row.end());
    float second = -std::numeric_limits<float>::infinity();  // of those below the largest
    for (const float logit : row) {
      chance.numbers[0].push_back(logit < -safe || std::abs(largest) > safe);
      if (logit < largest) second = std::max(second, logit);
    }
    // One number far above all others has all of the weight even if its exp ends at fp32's largest.
    const bool too_large = largest > sure && std::isfinite(largest) && second > safe && largest - second > 1;
    const bool too_small = largest < -sure && std::isfinite(largest);
    chance.surely_wrong = chance.surely_wrong || too_large || too_small;
  }
  return chance;
}

/// The same where the maximum is -1e4 or more: what remains of a row far below it hangs on whose exp it is, and on a
/// guard for a sum of 0.
Chance below_low(const Case& problem) {
  const Array& x = problem.input("x");
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto row = x.row(r);
    const float largest = *std::max_element(row.begin(), row.end());
    chance.numbers[0].insert(chance.numbers[0].end(), row.size(), largest < -1e4F - 80);
    chance.surely_wrong = chance.surely_wrong || (std::isfinite(largest) && largest < -1e4F - 105);
  }
  return chance;
}

/// And where the last number is so far above the others that its exp overflows.
Chance above_others(const Case& problem) {
  const Array& x = problem.input("x");
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto row = x.row(r);
    const bool overflows = row.size() > 1 && row.back() - *std::max_element(row.begin(), row.end() - 1) > 80;
    chance.numbers[0].insert(chance.numbers[0].end(), row.size(), overflows);
  }
  return chance;
}

/// What a variant leaves to chance, or nothing.
std::function<Chance(const Case&)> chance_of(const SoftmaxVariant& variant) {
  switch (variant.maximum) {
    case Maximum::none:
      return beyond_range;
    case Maximum::at_least_low:
      return below_low;
    case Maximum::of_others:
      return above_others;
    default:
      return nullptr;
  }
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                SoftmaxVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // Mistakes of range and rounding have no fp64 form: double's exp overflows elsewhere.
  if (variant.maximum != Maximum::of_row || variant.sum || variant.difference ||
      variant.exponentials_rounded) {
    return {name, sentence, types, kernel, kernel, chance_of(variant)};
  }
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  return {
      mistake("max_not_subtracted", "the row's maximum not subtracted; exp overflows fp32 from 89 on",
              {f32, f16, bf16}, {.maximum = Maximum::none}),
      mistake("max_starts_at_zero",
              "the maximum starts at 0; it starts at -inf, or rows of negative scores underflow",
              {f32, f16, bf16}, {.maximum = Maximum::at_least_zero}),
      mistake(
          "max_starts_at_low",
          "the maximum starts at -1e4 or the like; it starts at -inf or at the row's first score, for all "
          "scores of a row may be lower",
          {f32, f16, bf16}, {.maximum = Maximum::at_least_low}),
      mistake("last_not_in_max",
              "the last score left out where the maximum is looked for; it may be the largest",
              {f32, f16, bf16}, {.maximum = Maximum::of_others}),
      mistake("sum_not_rescaled",
              "one pass, but the sum is not rescaled when the maximum grows; multiply it by "
              "exp(old - new)",
              {f32, f16, bf16}, {.block = 1, .not_rescaled = true}),
      mistake("blocks_not_rescaled",
              "one pass over blocks of 256, but the sum is not rescaled when a block's maximum is larger; "
              "multiply it by exp(old - new)",
              {f32, f16, bf16}, {.block = 256, .not_rescaled = true}),
      mistake("masked_block_nan",
              "one pass over blocks: while all scores so far are masked, -inf - -inf gives NaN; pass "
              "such blocks over",
              {f32, f16, bf16}, {.block = 32, .masked_block_nan = true}),
      mistake("exponentials_rounded",
              "exponentials rounded to the output's type before they are added up; keep them in fp32",
              {f16, bf16}, {.exponentials_rounded = true}),
      mistake("y_with_x_stride", "y's rows written as far apart as x's; each array has its own row stride",
              {f32, f16, bf16}, {.y_with_x_stride = true}),
      mistake("tail_dropped", "terms after the last multiple of 8 not added to the sum; n need not be one",
              {f32, f16, bf16}, {.step = 8}),
      mistake("wrong_axis", "normalised down the columns; a softmax runs along each row", {f32, f16, bf16},
              {.columns = true}),
      mistake("base_two", "2^x taken for e^x; exp2 needs x times log2(e)", {f32, f16, bf16},
              {.base_two = true}),
      mistake("masked_row_nan", "a row of -inf gives NaN from -inf - -inf; it is defined as 0",
              {f32, f16, bf16}, {.masked_row_nan = true}),
      mistake("masked_row_zeroed",
              "a row with a score of -inf in it gives nothing but 0; only a row that is -inf altogether does",
              {f32, f16, bf16}, {.masked_row_zeroed = true}),
      mistake("one_added",
              "1 added to the sum, as if there were one more score of 0 below the maximum; the sum is "
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
  op.inputs = {{"x", "scores (of a model's last layer: logits)", {"R", "N"}}};
  op.outputs = {{"y", "probabilities", {"R", "N"}}};
  op.problems = {
      shaped(64, 1, 1), shaped(7, 31, 32), shaped(7, 32, 32), shaped(7, 33, 32), shaped(1, 129, 200),
      shaped(3, 257, 70),
      // Longer than a block of threads takes at once. A long sum's error is one number a row: many rows.
      shaped(4, 1025, 30), shaped(7, 40, 32, {.scale = 60}),                      // logits of ±200
      shaped(7, 40, 32, {.shift = 500}),                                          // all of them large
      shaped(7, 40, 32, {.style = Style::negative, .scale = 30, .shift = -150}),  // all of them very small
      shaped(6, 40, 80, {.style = Style::row_scales, .scale = 0.3}),
      shaped(7, 40, 80, {.style = Style::outliers}), shaped(7, 40, 32, {.mask = Mask::third}),
      shaped(7, 40, 32, {.mask = Mask::finite}), shaped(5, 200, 32, {.mask = Mask::leading}),
      shaped(7, 37, 32, {.gap = 3}),
      shaped(7, 40, 32, {.scale = 60, .shift = -3e4}),  // all of them far below zero
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {
      reordering("reversed", {.order = Order::reversed}), reordering("pairwise", {.order = Order::pairwise}),
      reordering("sixteen chunks, times 1/sum", {.order = Order::chunks, .reciprocal = true}),
      reordering("one pass", {.block = 1}), reordering("one pass over blocks of 64", {.block = 64})};
  return op;
}

}  // namespace rung::check
