#include "cuda/bench/problems.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>

#include "core/check/inputs.h"
#include "core/check/random.h"

namespace rung::cuda {
namespace {

constexpr std::string_view place = "first_position";  // of attention: where the first query stands

/// The names of an array's axes.
const std::vector<std::string>& axes_of(const std::vector<check::ArrayInfo>& arrays, std::string_view name) {
  return std::ranges::find(arrays, name, &check::ArrayInfo::name)->axes;
}

Shape shape_of(const std::vector<std::string>& axes, const ProblemSize& size) {
  Shape shape;
  shape.reserve(axes.size());
  for (const std::string& axis : axes) shape.push_back(size.extents.at(axis));
  return shape;
}

/// The numbers of `whole` that belong to the rows: of its first axis, or of its only one.
check::Array rows_of(const check::Array& whole, const std::vector<std::int64_t>& rows) {
  check::Array part;
  part.name = whole.name;
  part.shape = whole.shape;
  part.row_stride = whole.row_stride;
  part.whole = whole.whole;
  part.shape.front() = static_cast<std::int64_t>(rows.size());
  if (whole.shape.size() == 1) part.row_stride = part.shape.front();
  const std::size_t numbers = whole.values.size() / static_cast<std::size_t>(whole.shape.front());  // of one
  part.values.reserve(rows.size() * numbers);
  for (const std::int64_t row : rows) {
    const auto first = whole.values.begin() + static_cast<std::ptrdiff_t>(numbers) * row;
    part.values.insert(part.values.end(), first, first + static_cast<std::ptrdiff_t>(numbers));
  }
  return part;
}

check::Case part_of(const check::Op& op, const ProblemSize& size, const check::Case& whole,
                    const std::vector<std::int64_t>& rows) {
  const std::string& first_axis = op.outputs.front().axes.front();
  check::Case part;
  part.op = whole.op;
  part.type = whole.type;
  part.name = whole.name;
  part.description = whole.description;
  part.params = whole.params;
  for (check::Param& param : part.params) {
    if (param.name == size.rows) param.value = static_cast<double>(rows.size());
    if (param.name == place) param.value += static_cast<double>(rows.front());
  }
  part.inputs.reserve(whole.inputs.size());
  for (const check::Array& input : whole.inputs) {
    const bool by_row = axes_of(op.inputs, input.name).front() == first_axis;
    part.inputs.push_back(by_row ? rows_of(input, rows) : input);
  }
  part.outputs = whole.outputs;
  for (check::OutputInfo& output : part.outputs)
    output.shape.front() = static_cast<std::int64_t>(rows.size());
  return part;
}

ProblemSize rows_and_columns(std::string op, std::int64_t rows, std::int64_t n) {
  ProblemSize size{.op = std::move(op),
                   .description = "rows=" + std::to_string(rows) + " n=" + std::to_string(n),
                   .params = {{"rows", static_cast<double>(rows)}, {"n", static_cast<double>(n)}},
                   .extents = {{"R", rows}, {"N", n}},
                   .rows = "rows"};
  if (size.op.ends_with("rmsnorm")) size.params.push_back({"eps", 1e-5});
  return size;
}

ProblemSize product(std::int64_t m, std::int64_t n, std::int64_t k) {
  return {
      .op = "linear",
      .description = "M=" + std::to_string(m) + " N=" + std::to_string(n) + " K=" + std::to_string(k),
      .params = {{"M", static_cast<double>(m)}, {"N", static_cast<double>(n)}, {"K", static_cast<double>(k)}},
      .extents = {{"M", m}, {"N", n}, {"K", k}},
      .rows = "M"};
}

}  // namespace

std::vector<ProblemSize> model_sizes() {
  constexpr std::int64_t tokens = 4096;
  return {
      rows_and_columns("add", tokens, 4096),
      rows_and_columns("swiglu", tokens, 14336),
      rows_and_columns("rmsnorm", tokens, 4096),
      rows_and_columns("add_rmsnorm", tokens, 4096),
      rows_and_columns("softmax", tokens, 4096),
      {.op = "rope",
       .description = "T=4096 H=32 D=128, interleaved",
       .params = {{"T", tokens}, {"H", 32}, {"D", 128}, {"layout", 1}, {"theta", 10000}},
       .extents = {{"T", tokens}, {"H", 32}, {"D", 128}},
       .rows = "T"},
      {.op = "embedding",
       .description = "tokens=4096 n=4096, 8192 rows in the table",
       .params = {{"tokens", tokens}, {"n", 4096}},
       .extents = {{"T", tokens}, {"V", 8192}, {"N", 4096}},
       .rows = "tokens"},
      product(4096, 4096, 4096),
      product(16, 4096, 4096),  // a decode step of 16 sequences
      {.op = "attention",
       .description = "T=S=2048 H=32 G=8 D=128 causal",
       .params = {{"T", 2048},
                  {"S", 2048},
                  {"H", 32},
                  {"G", 8},
                  {"D", 128},
                  {"causal", 1},
                  {"window", 0},
                  {std::string(place), 0},
                  {"scale", 1 / std::sqrt(128.0)}},
       .extents = {{"T", 2048}, {"S", 2048}, {"H", 32}, {"G", 8}, {"D", 128}},
       .rows = "T"},
  };
}

check::Case draw_problem(const check::Op& op, const ProblemSize& size, check::NumberType type) {
  check::Random random(131415);
  check::Case problem;
  problem.op = size.op;
  problem.type = type;
  problem.name = "timed";
  problem.description = size.description;
  problem.params = size.params;
  problem.inputs.reserve(op.inputs.size());
  for (const check::ArrayInfo& input : op.inputs) {
    const Shape shape = shape_of(input.axes, size);
    if (input.name == "ids" || input.name == "positions") {  // rows of the table, places in a text
      const std::int64_t below = size.extents.at(input.name == "ids" ? "V" : "T");
      std::vector<std::int64_t> numbers(static_cast<std::size_t>(shape.front()));
      for (std::int64_t& number : numbers) number = random.below(below);
      problem.inputs.push_back(check::whole_array(input.name, numbers));
    } else {
      problem.inputs.push_back(check::draw_array(type, random, input.name, shape, check::Style::normal));
    }
  }
  for (const check::ArrayInfo& output : op.outputs)
    problem.outputs.push_back(check::output(output.name, shape_of(output.axes, size)));
  return problem;
}

std::vector<std::int64_t> sampled_rows(std::int64_t rows, std::int64_t count) {
  check::Random random(7);
  std::set<std::int64_t> chosen{0, rows - 1};
  while (static_cast<std::int64_t>(chosen.size()) < std::min(rows, count)) chosen.insert(random.below(rows));
  return {chosen.begin(), chosen.end()};
}

std::vector<check::Case> parts_of(const check::Op& op, const ProblemSize& size, const check::Case& whole,
                                  const std::vector<std::int64_t>& rows) {
  if (std::ranges::find(whole.params, place, &check::Param::name) == whole.params.end())
    return {part_of(op, size, whole, rows)};
  std::vector<check::Case> parts;
  parts.reserve(rows.size());
  for (const std::int64_t row : rows) parts.push_back(part_of(op, size, whole, {row}));
  return parts;
}

}  // namespace rung::cuda
