// The inputs: that shapes, strides and magnitudes reach what kernels get wrong, and that draws are what they claim.

#include <algorithm>
#include <cmath>
#include <set>

#include "core/check/check.h"
#include "tests/catch.h"

using namespace rung::check;

TEST_CASE("what a kernel's blocks do not reach is found at every type") {
  const struct {
    const char* op;
    std::size_t axis;  // of the output; numbers from `limit` on come out as 0
    std::int64_t limit;
  } short_of[] = {{"softmax", 1, 257},  {"softmax", 1, 1024}, {"rmsnorm", 1, 384}, {"rmsnorm", 1, 1024},
                  {"swiglu", 1, 1536},  {"linear", 0, 64},    {"linear", 1, 96},   {"attention", 0, 64},
                  {"attention", 2, 64}, {"rope", 2, 80}};
  for (const auto& s : short_of) {
    const Op& op = find_op(s.op);
    const auto kernel = [&](const Case& problem) {
      Values values = op.baseline(problem);
      const rung::Shape& shape = problem.outputs[0].shape;
      std::int64_t below = 1;  // numbers from one index of the axis to the next
      for (std::size_t d = s.axis + 1; d < shape.size(); ++d) below *= shape[d];
      for (std::size_t i = 0; i < values[0].size(); ++i) {
        if (static_cast<std::int64_t>(i) / below % shape[s.axis] >= s.limit) values[0][i] = 0;
      }
      return values;
    };
    for (const NumberType type : number_types) {
      INFO(s.op << ", axis " << s.axis << " from " << s.limit << " on, at " << name(type));
      CHECK_FALSE(check(op, type, from_values("short", op.name, kernel)).passed);
    }
  }
}

TEST_CASE("terms that a long sum does not reach are found at every type") {
  const Op& op = find_op("linear");
  for (const std::int64_t limit : {512, 1024, 4096}) {
    const auto kernel = [&](Case problem) {
      for (Array& array : problem.inputs) {
        for (std::int64_t r = 0; r < array.rows(); ++r) {
          for (std::int64_t k = limit; k < array.columns(); ++k) array.values[r * array.row_stride + k] = 0;
        }
      }
      return op.baseline(problem);
    };
    for (const NumberType type : number_types) {
      INFO("K up to " << limit << " at " << name(type));
      CHECK_FALSE(check(op, type, from_values("short", op.name, kernel)).passed);
    }
  }
}

TEST_CASE("no two arrays of a strided case have the same row stride") {
  for (const Op& op : ops()) {
    int strided = 0;
    for (std::size_t p = 0; p < op.problems.size(); ++p) {
      if (op.problems[p].description.find("strided rows") == std::string::npos) continue;
      ++strided;
      const Case drawn = draw_cases(op, NumberType::f32, p, 1).front();
      std::set<std::int64_t> strides;
      std::size_t arrays = 0;
      for (const Array& input : drawn.inputs) {
        if (input.rows() == 1) continue;
        CHECK(input.row_stride > input.columns());
        strides.insert(input.row_stride);
        ++arrays;
      }
      for (const OutputInfo& output : drawn.outputs) strides.insert(output.row_stride);
      INFO(op.name);
      CHECK(strides.size() == arrays + drawn.outputs.size());
    }
    CHECK(strided > 0);
  }
}

TEST_CASE("a sum beyond fp16's range is infinity, of a kernel too") {
  const Op& op = find_op("linear");
  int infinite = 0;
  for (std::size_t p = 0; p < op.problems.size(); ++p) {
    for (const Case& drawn : draw_cases(op, NumberType::f16, p, 1)) {
      const std::vector<Reference> references = op.reference(drawn);
      for (const double sum : references[0].value) infinite += std::isinf(sum) ? 1 : 0;
    }
  }
  CHECK(infinite > 100);
  const auto finite = [&op](const Case& problem) {
    Values values = op.baseline(problem);
    for (double& y : values[0]) y = std::min(std::max(y, -65504.0), 65504.0);
    return values;
  };
  CHECK_FALSE(check(op, NumberType::f16, from_values("saturated", "linear", finite)).passed);
  CHECK(check(op, NumberType::f32, from_values("plain", "linear", op.baseline)).passed);
}

TEST_CASE("cases are the same on every call and differ between seeds") {
  const Op& op = find_op("softmax");
  const auto first = draw_cases(op, NumberType::f16, 1, 7);
  const auto again = draw_cases(op, NumberType::f16, 1, 7);
  const auto other = draw_cases(op, NumberType::f16, 1, 8);
  CHECK(first[0].inputs[0].values == again[0].inputs[0].values);
  CHECK(first[0].inputs[0].values != other[0].inputs[0].values);
  CHECK(first[0].inputs[0].values != first[1].inputs[0].values);
  CHECK(first[0].seed == again[0].seed);
  // The stream itself: the same on every platform (SplitMix64's published first number for seed 0).
  CHECK(Random(0).bits() == 0xe220a8397b1dcdafU);
}

TEST_CASE("drawn normals have mean 0, variance 1 and normal tails") {
  Random random(9);
  double sum = 0;
  double squares = 0;
  int beyond_two = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    beyond_two += std::abs(x) > 2 ? 1 : 0;
  }
  CHECK(std::abs(sum / n) < 0.01);
  CHECK(std::abs(squares / n - 1) < 0.02);
  CHECK(std::abs(beyond_two / double{n} - 0.0455) < 0.004);
}

TEST_CASE("numbers are rounded to nearest, or cut off") {
  CHECK(round_to(NumberType::bf16, 1 + 0x1p-8) == 1.0F);  // a tie goes to even
  CHECK(round_to(NumberType::bf16, 1 + 0x1.8p-8) == 1.0F + 0x1p-7F);
  CHECK(truncate_to(NumberType::bf16, 1 + 0x1.8p-8) == 1.0F);
  CHECK(truncate_to(NumberType::f16, -1 - 0x1.8p-11) == -1.0F);
  CHECK(truncate_to(NumberType::f32, 1 + 0x1.8p-24) == 1.0F);
  CHECK(truncate_to(NumberType::bf16, 0.0) == 0.0F);
}
