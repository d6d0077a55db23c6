#include <cmath>

#include <fmt/format.h>

#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

enum class Row { of_id, of_token, of_first_id, one_based };

/// What a variant does other than copying row ids[t].
struct EmbeddingVariant {
  Row row = Row::of_id;
  bool table_stride_ignored = false;  ///< the table's rows are taken to be n apart
  bool y_with_table_stride = false;   ///< y's rows are written as far apart as the table's
  bool scaled = false;                ///< by √n
  std::int64_t piece = 0;             ///< the last columns that make no whole piece are left 0
};

std::int64_t row_for(Row row, const Array& ids, std::int64_t t, std::int64_t rows) {
  const auto id = [&](std::int64_t i) { return static_cast<std::int64_t>(ids.row(0)[i]); };
  switch (row) {
    case Row::of_id:
      return id(t);
    case Row::of_token:
      return t % rows;
    case Row::of_first_id:
      return id(0);
    case Row::one_based:
      return (id(t) + rows - 1) % rows;
  }
  return id(t);
}

Values compute(const Case& problem, const EmbeddingVariant& variant) {
  const std::int64_t tokens = problem.integer("tokens");
  const std::int64_t n = problem.integer("n");
  const Array& given = problem.input("table");
  const Array& ids = problem.input("ids");
  const std::vector<double> table =
      numbers_at_stride<double>(given, variant.table_stride_ignored ? n : given.row_stride);  // [V, n]
  std::vector<double> y(static_cast<std::size_t>(tokens * n));
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::int64_t row = row_for(variant.row, ids, t, given.rows());
    for (std::int64_t i = 0; i < n; ++i) {
      double& number = y[t * n + i];
      number = table[row * n + i];
      if (variant.piece > 0 && i >= n - n % variant.piece) number = 0;
      if (variant.scaled) number *= std::sqrt(static_cast<double>(n));
    }
  }
  if (variant.y_with_table_stride)
    y = written_at_stride<double>(y, n, given.row_stride, problem.outputs.front().row_stride);
  return {rounded<double>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  Reference result;
  result.value = compute(problem, {})[0];
  result.accumulated.assign(result.value.size(), 0);
  result.intermediate.assign(result.value.size(), 0);
  return {result};
}

Case drawn(NumberType type, Random& random, std::int64_t tokens, std::int64_t n, std::int64_t rows,
           std::int64_t gap) {
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(tokens));
  // The last row first, then any; a token may come twice.
  for (std::int64_t t = 0; t < tokens; ++t) ids.push_back(t == 0 ? rows - 1 : random.below(rows));
  Case problem;
  problem.params = {{"tokens", static_cast<double>(tokens)}, {"n", static_cast<double>(n)}};
  problem.inputs = {whole_array("ids", ids),
                    draw_array(type, random, "table", {rows, n}, Style::normal, gap)};
  problem.outputs = {output("y", {tokens, n}, gap > 0 ? gap + 2 : 0)};
  return problem;
}

Problem shaped(std::int64_t tokens, std::int64_t n, std::int64_t rows, std::int64_t gap = 0) {
  Problem problem;
  problem.description =
      fmt::format("tokens={} n={}, {} rows in the table{}", tokens, n, rows, gap > 0 ? ", strided" : "");
  problem.draws = 2;
  problem.normal = true;
  problem.draw = [=](NumberType type, Random& random) { return drawn(type, random, tokens, n, rows, gap); };
  return problem;
}

std::vector<Probe> probes(NumberType type) {
  Random random(9);
  Probe probe;
  probe.what = "a row comes out as it stands in the table, bit for bit";
  probe.problem = drawn(type, random, 5, 67, 11, 3);
  probe.problem.op = "embedding";
  probe.problem.type = type;
  probe.problem.name = fmt::format("embedding-{}-exact", name(type));
  probe.problem.description = "tokens=5 n=67, 11 rows in the table, strided";
  probe.problem.seed = 9;
  probe.expected = reference(probe.problem)[0].value;
  return {probe};
}

Mistake mistake(std::string name, std::string sentence, EmbeddingVariant variant) {
  using enum NumberType;
  const auto run = [variant](const Case& problem) { return compute(problem, variant); };
  return {std::move(name), std::move(sentence), {f32, f16, bf16}, run, run};
}

}  // namespace

Op embedding_op() {
  Op op;
  op.name = "embedding";
  op.chapter = 13;
  op.what = "y[t] = table[ids[t]]";
  op.precision = "a copy: table and y in the case's type";
  op.params = {{"tokens", "rows of y"}, {"n", "columns"}};
  op.inputs = {{"ids", "which row each token has, int32", {"T"}}, {"table", "the embedding", {"V", "N"}}};
  op.outputs = {{"y", "the tokens' rows", {"T", "N"}}};
  op.problems = {shaped(4, 1, 7),     shaped(3, 33, 5),   shaped(9, 127, 20),  shaped(5, 128, 40),
                 shaped(40, 64, 100), shaped(2, 1031, 3), shaped(7, 67, 11, 5)};
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute(problem, {}); };
  op.probes = probes;
  op.mistakes = {
      mistake("row_of_token", "row t taken for token t; it is row ids[t]", {.row = Row::of_token}),
      mistake("row_of_first_id", "the first token's row for every token", {.row = Row::of_first_id}),
      mistake("one_based", "ids counted from 1; they are rows as they stand, from 0",
              {.row = Row::one_based}),
      mistake("table_stride_ignored",
              "the table's rows taken to be n apart; they are as far apart as its row stride says",
              {.table_stride_ignored = true}),
      mistake("y_with_table_stride",
              "y's rows written as far apart as the table's; each array has its own row stride",
              {.y_with_table_stride = true}),
      mistake("scaled", "rows multiplied by sqrt(n) as in Gemma; they are copied", {.scaled = true}),
      mistake("tail_of_4", "the last columns, those that make no 4, left 0; n need not be a multiple",
              {.piece = 4}),
      mistake("tail_of_8", "the last columns, those that make no 8, left 0; n need not be a multiple",
              {.piece = 8}),
  };
  op.reorderings = {};
  return op;
}

}  // namespace rung::check
