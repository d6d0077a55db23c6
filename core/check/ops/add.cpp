#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// What a variant does other than y = a + b.
struct AddVariant {
  bool b_left_out = false;
  bool subtracted = false;
  bool first_row = false;        ///< b's first row is added to all rows
  bool b_with_a_stride = false;  ///< b's rows are read as far apart as a's
  bool y_with_a_stride = false;  ///< y's rows are written as far apart as a's
  std::int64_t piece = 0;        ///< the last columns of a row that make no whole piece are a's alone
  bool twice_over_a = false;     ///< y written over a: b is added a second time
  bool truncated = false;
};

template <typename Real>
Values compute(const Case& problem, const AddVariant& variant) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const Array& given_a = problem.input("a");
  const Array& given_b = problem.input("b");
  const std::vector<Real> a = numbers<Real>(given_a);  // [rows, n]
  const std::vector<Real> b =
      numbers_at_stride<Real>(given_b, variant.b_with_a_stride ? given_a.row_stride : given_b.row_stride);
  std::vector<Real> y(a.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < n; ++i) {
      Real other = b[(variant.first_row ? 0 : r) * n + i];
      if (variant.b_left_out || (variant.piece > 0 && i >= n - n % variant.piece)) other = 0;
      if (variant.subtracted) other = -other;
      Real& sum = y[r * n + i];
      sum = a[r * n + i] + other;
      if (variant.twice_over_a && problem.in_place == "a") sum += other;
      if (variant.truncated) sum = static_cast<Real>(truncate_to(problem.type, static_cast<double>(sum)));
    }
  }
  if (variant.y_with_a_stride)
    y = written_at_stride<Real>(y, n, given_a.row_stride, problem.outputs.front().row_stride);
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::vector<double> a = problem.input("a").dense();
  const std::vector<double> b = problem.input("b").dense();
  Reference result;
  result.value.reserve(a.size());
  result.intermediate.reserve(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    result.value.push_back(a[i] + b[i]);
    // The sum of two fp16 or bf16 numbers may be rounded to fp32 before it is rounded to their type.
    result.intermediate.push_back(accumulator_roundoff * std::abs(a[i] + b[i]));
  }
  result.accumulated.assign(a.size(), 0);
  return {result};
}

Problem shaped(std::int64_t rows, std::int64_t n, int draws, Style style = Style::normal,
               std::int64_t gap = 0) {
  Problem problem;
  problem.description =
      fmt::format("rows={} n={}, {}{}", rows, n, name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal;
  problem.draw = [=](NumberType type, Random& random) {
    Case drawn;
    drawn.params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}};
    drawn.inputs = {draw_array(type, random, "a", {rows, n}, style, gap),
                    draw_array(type, random, "b", {rows, n}, style, gap > 0 ? gap + 2 : 0)};
    drawn.outputs = {output("y", {rows, n}, gap > 0 ? gap + 5 : 0)};
    return drawn;
  };
  return problem;
}

/// Small whole numbers, whose sums are exact in every type.
std::vector<Probe> probes(NumberType type) {
  constexpr std::int64_t rows = 3;
  constexpr std::int64_t n = 67;
  Random random(8);
  const auto whole = [&](std::int64_t, std::int64_t) { return static_cast<double>(random.below(101)) - 50; };
  Probe probe;
  probe.what = "sums of small whole numbers are exact";
  Case& problem = probe.problem;
  problem.op = "add";
  problem.type = type;
  problem.name = fmt::format("add-{}-whole", name(type));
  problem.description = "rows=3 n=67, whole numbers from -50 to 50";
  problem.seed = 8;
  problem.params = {{"rows", rows}, {"n", n}};
  problem.inputs = {fill_array(type, "a", {rows, n}, whole), fill_array(type, "b", {rows, n}, whole)};
  problem.outputs = {output("y", {rows, n})};
  probe.expected = reference(problem)[0].value;
  return {probe};
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types, AddVariant variant) {
  return {std::move(name), std::move(sentence), std::move(types),
          [variant](const Case& problem) { return compute<double>(problem, variant); },
          [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  const std::vector<NumberType> all = {f32, f16, bf16};
  return {
      mistake("b_left_out", "a alone; b is added to it", all, {.b_left_out = true}),
      mistake("subtracted", "b subtracted; it is added", all, {.subtracted = true}),
      mistake("first_row", "b's first row added to every row; each row has its own", all,
              {.first_row = true}),
      mistake("b_with_a_stride", "b's rows read as far apart as a's; each array has its own row stride", all,
              {.b_with_a_stride = true}),
      mistake("y_with_a_stride", "y's rows written as far apart as a's; each array has its own row stride",
              all, {.y_with_a_stride = true}),
      mistake("tail_of_4", "b not added in the last columns, those that make no 4; n need not be a multiple",
              all, {.piece = 4}),
      mistake("tail_of_8", "b not added in the last columns, those that make no 8; n need not be a multiple",
              all, {.piece = 8}),
      mistake("added_twice", "y written over a: b is added to what was written there already", all,
              {.twice_over_a = true}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

}  // namespace

Op add_op() {
  Op op;
  op.name = "add";
  op.chapter = 13;
  op.what = "y = a + b, number by number";
  op.precision = "a, b and y in the case's type, the sum in fp32";
  op.params = {{"rows", "rows of all three"}, {"n", "columns of all three"}};
  op.inputs = {{"a", "one summand", {"R", "N"}}, {"b", "the other", {"R", "N"}}};
  op.outputs = {{"y", "their sum", {"R", "N"}}};
  op.in_place = {"a", "b"};
  op.problems = {shaped(4, 1, 32, Style::near_one),
                 shaped(3, 33, 8),
                 shaped(2, 127, 4),
                 shaped(5, 128, 4),
                 shaped(1, 4097, 2),
                 shaped(3, 1031, 2, Style::outliers),
                 shaped(6, 97, 4, Style::row_scales),
                 shaped(5, 64, 4, Style::cancellation),
                 shaped(5, 67, 4, Style::normal, 9)};
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {{"in double", [](const Case& problem) { return compute<double>(problem, {}); }}};
  return op;
}

}  // namespace rung::check
