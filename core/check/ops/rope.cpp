#include "core/oracle/rope.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// How frequency i comes about. The first three are right.
enum class Frequency {
  reciprocal,  ///< 1 / theta^(2i/D)
  power,       ///< theta^(−2i/D)
  table,       ///< in double, rounded to fp32
  element,     ///< theta^(−i/D)
  all_heads,   ///< theta^(−2i/(H·D))
};

enum class Position { given, offset_dropped, one_based, head };

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct RopeVariant {
  bool fused = false;     ///< fused multiply-add
  bool reversed = false;  ///< the second product first
  Frequency frequency = Frequency::reciprocal;
  Position position = Position::given;
  bool other_layout = false;
  bool backwards = false;     ///< by minus the angle
  bool exchanged = false;     ///< sin for cos and cos for sin
  bool in_place = false;      ///< the second result is made from the first, not from the first input
  bool half_rotated = false;  ///< only the first half of the pairs
  double theta = 0;           ///< this instead of the given one
  std::optional<NumberType> frequencies = std::nullopt;  ///< rounded to this
  std::optional<NumberType> positions = std::nullopt;    ///< rounded to this
  std::optional<NumberType> angles = std::nullopt;       ///< rounded to this
  bool truncated = false;
};

template <typename Real>
Real maybe_rounded(const std::optional<NumberType>& type, Real value) {
  return type ? static_cast<Real>(round_to(*type, static_cast<double>(value))) : value;
}

template <typename Real>
Real frequency_of(const RopeVariant& variant, Real theta, std::int64_t i, std::int64_t H, std::int64_t D) {
  const Real exponent = static_cast<Real>(2 * i) / static_cast<Real>(D);
  switch (variant.frequency) {
    case Frequency::reciprocal:
      return 1 / std::pow(theta, exponent);
    case Frequency::power:
      return std::pow(theta, -exponent);
    case Frequency::table:
      return static_cast<Real>(
          std::pow(static_cast<double>(theta), -2.0 * static_cast<double>(i) / static_cast<double>(D)));
    case Frequency::element:
      return 1 / std::pow(theta, exponent / 2);
    case Frequency::all_heads:
      return 1 / std::pow(theta, exponent / static_cast<Real>(H));
  }
  return 0;
}

template <typename Real>
Values compute(const Case& problem, const RopeVariant& variant) {
  const std::int64_t T = problem.integer("T");
  const std::int64_t H = problem.integer("H");
  const std::int64_t D = problem.integer("D");
  const Real theta = static_cast<Real>(variant.theta > 0 ? variant.theta : problem.param("theta"));
  const bool interleaved = (problem.integer("layout") == 1) != variant.other_layout;
  const RopeLayout layout = interleaved ? RopeLayout::interleaved : RopeLayout::half_split;
  const std::vector<Real> x = numbers<Real>(problem.input("x"));  // [T, H, D]
  std::vector<Real> y = x;

  std::vector<Real> frequencies;
  for (std::int64_t i = 0; i < D / 2; ++i) {
    frequencies.push_back(maybe_rounded(variant.frequencies, frequency_of(variant, theta, i, H, D)));
  }
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      std::int64_t position = problem.integer("first_position") + t;
      if (variant.position == Position::offset_dropped) position = t;
      if (variant.position == Position::one_based) position += 1;
      if (variant.position == Position::head) position = problem.integer("first_position") + h;
      const Real p = maybe_rounded(variant.positions, static_cast<Real>(position));
      const std::int64_t head = (t * H + h) * D;
      for (std::int64_t i = 0; i < D / (variant.half_rotated ? 4 : 2); ++i) {
        const oracle::RopePair pair = oracle::rope_pair(layout, i, D);
        const Real angle = maybe_rounded(variant.angles, p * frequencies[i]);
        Real c = std::cos(angle);
        Real s = std::sin(angle);
        if (variant.backwards) s = -s;
        if (variant.exchanged) std::swap(c, s);
        Real a = x[head + pair.first];
        const Real b = x[head + pair.second];
        Real& first = y[head + pair.first];
        Real& second = y[head + pair.second];
        first = variant.fused ? std::fma(a, c, -b * s) : variant.reversed ? -b * s + a * c : a * c - b * s;
        if (variant.in_place) a = first;
        second = variant.fused ? std::fma(b, c, a * s) : variant.reversed ? a * s + b * c : b * c + a * s;
        if (variant.truncated) {
          first = static_cast<Real>(truncate_to(problem.type, static_cast<double>(first)));
          second = static_cast<Real>(truncate_to(problem.type, static_cast<double>(second)));
        }
      }
    }
  }
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::int64_t T = problem.integer("T");
  const std::int64_t H = problem.integer("H");
  const std::int64_t D = problem.integer("D");
  const double theta = problem.param("theta");
  const RopeLayout layout = problem.integer("layout") == 1 ? RopeLayout::interleaved : RopeLayout::half_split;
  const std::vector<double> frequencies = oracle::rope_frequencies({.theta = theta, .scaling = {}}, D);
  std::vector<std::int64_t> positions;
  for (std::int64_t t = 0; t < T; ++t) positions.push_back(problem.integer("first_position") + t);
  const std::vector<double> x = problem.input("x").dense();

  Reference result;
  result.value.resize(x.size());
  result.accumulated.resize(x.size());
  result.intermediate.resize(x.size());
  oracle::rope(layout, frequencies, positions, x, H, result.value);
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      for (std::int64_t i = 0; i < D / 2; ++i) {
        const std::int64_t head = (t * H + h) * D;
        const oracle::RopePair pair = oracle::rope_pair(layout, i, D);
        const double a = std::abs(x[head + pair.first]);
        const double b = std::abs(x[head + pair.second]);
        const double angle = static_cast<double>(positions[t]) * frequencies[i];
        const double c = std::abs(std::cos(angle));
        const double s = std::abs(std::sin(angle));
        // The angle is rounded by the power (2 units), its exponent (which counts ln theta times), the
        // reciprocal and the product with the position; cos and sin are good to 2 units.
        const double turned = std::abs(angle) * (4 + std::log(theta)) * accumulator_roundoff;
        const double rounding = (a + b) * 2 * accumulator_roundoff;
        result.accumulated[head + pair.first] = std::sqrt(2.0) * (a * c + b * s);
        result.accumulated[head + pair.second] = std::sqrt(2.0) * (b * c + a * s);
        result.intermediate[head + pair.first] = turned * (a * s + b * c) + rounding;
        result.intermediate[head + pair.second] = turned * (b * s + a * c) + rounding;
      }
    }
  }
  return {result};
}

struct RopeShape {
  std::int64_t T = 1;
  std::int64_t H = 1;
  std::int64_t D = 64;
  RopeLayout layout = RopeLayout::half_split;
  std::int64_t first_position = 0;
  double theta = 10000;
};

Case empty_case(const RopeShape& shape, std::int64_t gap) {
  Case problem;
  problem.params = {{"T", static_cast<double>(shape.T)},
                    {"H", static_cast<double>(shape.H)},
                    {"D", static_cast<double>(shape.D)},
                    {"layout", shape.layout == RopeLayout::interleaved ? 1.0 : 0.0},
                    {"theta", shape.theta},
                    {"first_position", static_cast<double>(shape.first_position)}};
  problem.outputs = {output("y", {shape.T, shape.H, shape.D}, gap)};
  return problem;
}

std::string text(const RopeShape& shape) {
  return fmt::format("T={} H={} D={} {}, positions from {}, theta={}", shape.T, shape.H, shape.D,
                     shape.layout == RopeLayout::interleaved ? "interleaved" : "half_split",
                     shape.first_position, shape.theta);
}

Problem shaped(RopeShape shape, int draws, Style style = Style::normal, std::int64_t gap = 0) {
  Problem problem;
  problem.description = fmt::format("{}, {}{}", text(shape), name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal;
  problem.draw = [=](NumberType type, Random& random) {
    Case drawn = empty_case(shape, gap);
    drawn.inputs = {draw_array(type, random, "x", {shape.T, shape.H, shape.D}, style, gap)};
    return drawn;
  };
  return problem;
}

/// At position 0 nothing turns; and the pair a single 1 belongs to is the only place that may be other than
/// 0.
Probe pairs(NumberType type, RopeLayout layout) {
  const RopeShape shape{.T = 16, .H = 1, .D = 16, .layout = layout};
  Probe probe;
  probe.what = "position 0 turns nothing, and a number shows up in its own pair only";
  Case& problem = probe.problem;
  problem = empty_case(shape, 0);
  problem.op = "rope";
  problem.type = type;
  problem.name =
      fmt::format("rope-{}-pairs-{}", name(type), layout == RopeLayout::interleaved ? "interleaved" : "half");
  problem.description = text(shape) + ", a single 1 in each row";
  problem.inputs = {fill_array(type, "x", {shape.T, shape.H, shape.D},
                               [](std::int64_t t, std::int64_t d) { return t == d ? 1.0 : 0.0; })};
  const std::vector<Reference> right = reference(problem);
  for (const double r : right[0].value) probe.expected.push_back(r);
  probe.ulps = 16;  // cos of an angle near its zero; which numbers are 0 is what is tested here
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  return {pairs(type, RopeLayout::half_split), pairs(type, RopeLayout::interleaved)};
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types, RopeVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // A mistake of rounding has no fp64 form: where it rounds depends on the fp32 angle.
  if (variant.angles || variant.frequencies) return {name, sentence, types, kernel, kernel};
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  const std::vector<NumberType> all = {f32, f16, bf16};
  return {
      mistake("other_layout",
              "pairs laid out the other way: half_split turns (i, i + D/2), interleaved (2i, 2i + 1)", all,
              {.other_layout = true}),
      mistake("backwards", "turned by minus the angle; first is x1 cos - x2 sin, second x2 cos + x1 sin", all,
              {.backwards = true}),
      mistake("exponent_i", "frequency theta^(-i/D); it is theta^(-2i/D)", all,
              {.frequency = Frequency::element}),
      mistake("all_heads", "frequencies spread over all heads' H·D; every head has the same D/2", all,
              {.frequency = Frequency::all_heads}),
      mistake("theta_hard_coded", "theta taken as 10000; it is a parameter of the model", all,
              {.theta = 10000}),
      mistake("offset_dropped", "positions start at 0 in every chunk; row t is at first_position + t", all,
              {.position = Position::offset_dropped}),
      mistake("one_based", "positions start at 1; the first token is at 0", all,
              {.position = Position::one_based}),
      mistake("head_as_position", "the head's index taken for the token's: x is [T, H, D]", all,
              {.position = Position::head}),
      mistake("exchanged", "sin and cos exchanged", all, {.exchanged = true}),
      mistake("in_place", "the first number overwritten before the second is made from it", all,
              {.in_place = true}),
      mistake("half_rotated", "only the first half of the pairs turned; all D/2 are", all,
              {.half_rotated = true}),
      mistake("frequencies_in_bf16", "frequencies kept in bf16; keep them in fp32", all,
              {.frequencies = bf16}),
      mistake("frequencies_in_f16", "frequencies kept in fp16; keep them in fp32", all, {.frequencies = f16}),
      mistake("positions_in_bf16", "positions kept in bf16, which cannot tell 257 from 256; keep them whole",
              all, {.positions = bf16}),
      mistake("angles_in_bf16", "angles rounded to bf16; keep them in fp32", all, {.angles = bf16}),
      mistake("angles_in_f16", "angles rounded to fp16; keep them in fp32", all, {.angles = f16}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

Reordering reordering(std::string name, RopeVariant variant) {
  return {std::move(name), [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

}  // namespace

Op rope_op() {
  Op op;
  op.name = "rope";
  op.chapter = 3;
  op.what = "turns pair i of every head by (first_position + t)·theta^(-2i/D)";
  op.precision =
      "x and y in the case's type; frequencies, angles, sin, cos and products in fp32, each as good as a "
      "plain powf, sinf and cosf (a product that is carried from one frequency to the next drifts)";
  op.params = {{"T", "tokens"},
               {"H", "heads"},
               {"D", "numbers per head, even"},
               {"layout", "which two numbers are a pair", true, {"half_split", "interleaved"}},
               {"theta", "the base of the frequencies", false},
               {"first_position", "position of row 0"}};
  op.inputs = {{"x", "queries or keys", {"T", "H", "D"}}};
  op.outputs = {{"y", "turned", {"T", "H", "D"}}};
  constexpr auto half = RopeLayout::half_split;
  constexpr auto inter = RopeLayout::interleaved;
  op.problems = {
      shaped({.T = 7, .H = 3, .D = 2, .layout = half, .first_position = 3}, 24),
      shaped({.T = 2, .H = 5, .D = 64, .layout = half}, 4),
      shaped({.T = 2, .H = 5, .D = 64, .layout = inter}, 4),
      shaped({.T = 9, .H = 4, .D = 64, .layout = half}, 2),
      shaped({.T = 9, .H = 4, .D = 64, .layout = inter}, 2),
      shaped({.T = 33, .H = 1, .D = 40, .layout = half}, 2),
      shaped({.T = 1, .H = 9, .D = 64, .layout = half, .first_position = 4095}, 4),
      shaped({.T = 1, .H = 9, .D = 64, .layout = inter, .first_position = 777}, 4),
      shaped({.T = 5, .H = 2, .D = 128, .layout = half, .first_position = 1021, .theta = 500000}, 2),
      shaped({.T = 5, .H = 3, .D = 80, .layout = inter, .first_position = 61, .theta = 1e6}, 2),
      shaped({.T = 7, .H = 4, .D = 64, .layout = half, .first_position = 30}, 2, Style::row_scales),
      shaped({.T = 7, .H = 4, .D = 64, .layout = inter, .first_position = 30}, 4, Style::outliers),
      shaped({.T = 7, .H = 4, .D = 64, .layout = half, .first_position = 30}, 2, Style::negative),
      shaped({.T = 5, .H = 3, .D = 64, .layout = half, .first_position = 5}, 3, Style::normal, 6),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {reordering("theta to a negative power", {.frequency = Frequency::power}),
                    reordering("frequencies from a table", {.frequency = Frequency::table}),
                    reordering("fused multiply-add", {.fused = true}),
                    reordering("second product first", {.reversed = true})};
  return op;
}

}  // namespace rung::check
