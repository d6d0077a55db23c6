#include "core/oracle/rope.h"

#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

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
  whole,       ///< theta^0, for 2i/D of whole numbers is 0
};

enum class Position { given, offset_dropped, counted_on, one_based, head };

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct RopeVariant {
  bool fused = false;     ///< fused multiply-add
  bool reversed = false;  ///< the second product first
  Frequency frequency = Frequency::reciprocal;
  Position position = Position::given;
  bool other_layout = false;
  bool backwards = false;            ///< by minus the angle
  bool exchanged = false;            ///< sin for cos and cos for sin
  bool in_place = false;             ///< the second result is made from the first, not from the first input
  bool first_head_only = false;      ///< the other heads are left as they are
  bool half_rotated = false;         ///< only the first half of the pairs
  double theta = 0;                  ///< this instead of the given one
  bool theta_of_first_call = false;  ///< the theta of the op's first problem with the same D
  bool y_with_x_stride = false;      ///< y's rows are written as far apart as x's
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
    case Frequency::whole:
      return 1;
  }
  return 0;
}

/// Where the tokens are.
std::vector<std::int64_t> positions_of(const Case& problem) {
  const auto numbers = problem.input("positions").row(0);
  return {numbers.begin(), numbers.end()};
}

std::int64_t position_of(Position position, std::span<const std::int64_t> positions, std::int64_t t,
                         std::int64_t h) {
  switch (position) {
    case Position::given:
      return positions[t];
    case Position::offset_dropped:
      return t;
    case Position::counted_on:
      return positions[0] + t;
    case Position::one_based:
      return positions[t] + 1;
    case Position::head:
      return positions[0] + h;
  }
  return positions[t];
}

double first_theta(std::int64_t D);

template <typename Real>
Values compute(const Case& problem, const RopeVariant& variant) {
  const std::int64_t T = problem.integer("T");
  const std::int64_t H = problem.integer("H");
  const std::int64_t D = problem.integer("D");
  const Real theta = static_cast<Real>(variant.theta_of_first_call ? first_theta(D)
                                       : variant.theta > 0         ? variant.theta
                                                                   : problem.param("theta"));
  const std::vector<std::int64_t> positions = positions_of(problem);
  const bool interleaved = (problem.integer("layout") == 1) != variant.other_layout;
  const RopeLayout layout = interleaved ? RopeLayout::interleaved : RopeLayout::half_split;
  const std::vector<Real> x = numbers<Real>(problem.input("x"));  // [T, H, D]
  std::vector<Real> y = x;

  std::vector<Real> frequencies;
  frequencies.reserve(static_cast<std::size_t>(D / 2));
  for (std::int64_t i = 0; i < D / 2; ++i) {
    frequencies.push_back(maybe_rounded(variant.frequencies, frequency_of(variant, theta, i, H, D)));
  }
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < (variant.first_head_only ? 1 : H); ++h) {
      const Real p =
          maybe_rounded(variant.positions, static_cast<Real>(position_of(variant.position, positions, t, h)));
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
  if (variant.y_with_x_stride) {
    y = written_at_stride<Real>(y, D, problem.input("x").row_stride, problem.outputs.front().row_stride);
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
  const std::vector<std::int64_t> positions = positions_of(problem);
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
        // The frequency is rounded by the power (2 units), by the exponent 2i/D that goes into it (where D is
        // no power of two; an error of the exponent counts ln theta times), and by the reciprocal; the angle
        // by the product with the position; cos and sin are good to 2 units. The
        // ln theta does not allow exp(e·ln theta) with a rounded product, though its error is of that size:
        // the rms rule, which compares with a plain powf, does not.
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
  std::vector<std::int64_t> positions = {};  ///< empty: T from first_position on
};

std::vector<std::int64_t> positions_of(const RopeShape& shape) {
  if (!shape.positions.empty()) return shape.positions;
  std::vector<std::int64_t> positions(static_cast<std::size_t>(shape.T));
  std::iota(positions.begin(), positions.end(), shape.first_position);
  return positions;
}

Case empty_case(const RopeShape& shape, std::int64_t gap) {
  Case problem;
  problem.params = {{"T", static_cast<double>(shape.T)},
                    {"H", static_cast<double>(shape.H)},
                    {"D", static_cast<double>(shape.D)},
                    {"layout", shape.layout == RopeLayout::interleaved ? 1.0 : 0.0},
                    {"theta", shape.theta}};
  problem.outputs = {output("y", {shape.T, shape.H, shape.D}, gap > 0 ? gap + 2 : 0)};
  return problem;
}

std::string text(const RopeShape& shape) {
  return fmt::format("T={} H={} D={} {}, positions {}, theta={}", shape.T, shape.H, shape.D,
                     shape.layout == RopeLayout::interleaved ? "interleaved" : "half_split",
                     shape.positions.empty() ? fmt::format("from {}", shape.first_position)
                                             : fmt::to_string(fmt::join(shape.positions, " ")),
                     shape.theta);
}

/// A problem to be.
struct Planned {
  RopeShape shape;
  int draws = 1;
  Style style = Style::normal;
  std::int64_t gap = 0;
};

const std::vector<Planned>& planned() {
  constexpr auto half = RopeLayout::half_split;
  constexpr auto inter = RopeLayout::interleaved;
  static const std::vector<Planned> all = {
      {{.T = 7, .H = 3, .D = 2, .layout = half, .first_position = 3}, 24},
      {{.T = 2, .H = 5, .D = 64, .layout = half}, 4},
      {{.T = 2, .H = 5, .D = 64, .layout = inter}, 4},
      {{.T = 9, .H = 4, .D = 64, .layout = half}, 2},
      {{.T = 9, .H = 4, .D = 64, .layout = inter}, 2},
      {{.T = 33, .H = 1, .D = 40, .layout = half}, 2},
      {{.T = 1, .H = 9, .D = 64, .layout = half, .first_position = 4095}, 4},
      {{.T = 1, .H = 9, .D = 64, .layout = inter, .first_position = 777}, 4},
      {{.T = 5, .H = 2, .D = 128, .layout = half, .first_position = 1021, .theta = 500000}, 2},
      {{.T = 5, .H = 3, .D = 80, .layout = inter, .first_position = 61, .theta = 1e6}, 2},
      // Several sequences in one batch, each somewhere else.
      {{.T = 6, .H = 3, .layout = half, .positions = {7, 8, 0, 1, 4095, 3}}, 4},
      {{.T = 4, .H = 3, .layout = inter, .theta = 500000, .positions = {12, 11, 0, 500}}, 4},
      {{.T = 7, .H = 4, .D = 64, .layout = half, .first_position = 30}, 2, Style::row_scales},
      {{.T = 7, .H = 4, .D = 64, .layout = inter, .first_position = 30}, 4, Style::outliers},
      {{.T = 7, .H = 4, .D = 64, .layout = half, .first_position = 30}, 2, Style::negative},
      {{.T = 7, .H = 4, .D = 64, .layout = half, .first_position = 30}, 4, Style::wide},
      {{.T = 5, .H = 3, .D = 64, .layout = half, .first_position = 5}, 3, Style::normal, 6},
  };
  return all;
}

double first_theta(std::int64_t D) {
  for (const Planned& one : planned()) {
    if (one.shape.D == D) return one.shape.theta;
  }
  return RopeShape{}.theta;
}

Problem shaped(const RopeShape& shape, int draws, Style style = Style::normal, std::int64_t gap = 0) {
  Problem problem;
  problem.description = fmt::format("{}, {}{}", text(shape), name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal;
  problem.draw = [=](NumberType type, Random& random) {
    Case drawn = empty_case(shape, gap);
    drawn.inputs = {whole_array("positions", positions_of(shape)),
                    draw_array(type, random, "x", {shape.T, shape.H, shape.D}, style, gap)};
    return drawn;
  };
  return problem;
}

std::vector<Problem> problems() {
  std::vector<Problem> all;
  for (const Planned& one : planned()) all.push_back(shaped(one.shape, one.draws, one.style, one.gap));
  return all;
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
  problem.inputs = {whole_array("positions", positions_of(shape)),
                    fill_array(type, "x", {shape.T, shape.H, shape.D},
                               [](std::int64_t t, std::int64_t d) { return t == d ? 1.0 : 0.0; })};
  probe.expected = reference(problem)[0].value;
  probe.ulps = 16;  // cos of an angle near its zero; which numbers are 0 is what is tested here
  return probe;
}

/// Pair 0 turns by the position itself, whose cos and sin are known however far the context goes. The other
/// pairs are 0: there, a frequency's last bit would count as often as the position is large, and no two powf
/// agree on it.
Probe far_positions(NumberType type, RopeLayout layout) {
  const RopeShape shape{.T = 4, .H = 2, .D = 64, .layout = layout, .positions = {8193, 32767, 65537, 131071}};
  Probe probe;
  probe.what = "pair 0 turns by the position, which may be far from 0";
  Case& problem = probe.problem;
  problem = empty_case(shape, 0);
  problem.op = "rope";
  problem.type = type;
  problem.name =
      fmt::format("rope-{}-far-{}", name(type), layout == RopeLayout::interleaved ? "interleaved" : "half");
  problem.description = text(shape) + ", a 1 in pair 0 only";
  problem.inputs = {whole_array("positions", positions_of(shape)),
                    fill_array(type, "x", {shape.T, shape.H, shape.D},
                               [](std::int64_t, std::int64_t d) { return d == 0 ? 1.0 : 0.0; })};
  probe.expected = reference(problem)[0].value;
  probe.ulps = 2;  // none of the eight numbers is small; cosf and sinf are good to 2 units
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  return {pairs(type, RopeLayout::half_split), pairs(type, RopeLayout::interleaved),
          far_positions(type, RopeLayout::half_split), far_positions(type, RopeLayout::interleaved)};
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
      mistake("exponent_whole",
              "2i/D divided as whole numbers, which gives 0: every pair turns by the position itself; divide "
              "numbers with a fraction",
              all, {.frequency = Frequency::whole}),
      mistake("all_heads", "frequencies spread over all heads' H·D; every head has the same D/2", all,
              {.frequency = Frequency::all_heads}),
      mistake("theta_hard_coded", "theta taken as 10000; it is a parameter of the model", all,
              {.theta = 10000}),
      mistake("theta_of_first_call",
              "frequencies kept by D alone; theta is another model's, and belongs to the key of the table",
              all, {.theta_of_first_call = true}),
      mistake("offset_dropped", "positions start at 0 in every chunk; row t is at positions[t]", all,
              {.position = Position::offset_dropped}),
      mistake(
          "counted_on",
          "only positions[0] read and counted on from there; every row has its own, and a batch of several "
          "sequences jumps",
          all, {.position = Position::counted_on}),
      mistake("one_based", "positions start at 1; the first token is at 0", all,
              {.position = Position::one_based}),
      mistake("head_as_position", "the head's index taken for the token's: x is [T, H, D]", all,
              {.position = Position::head}),
      mistake("exchanged", "sin and cos exchanged", all, {.exchanged = true}),
      mistake("in_place", "the first number overwritten before the second is made from it", all,
              {.in_place = true}),
      mistake("first_head_only", "only head 0 turned; every head of a row is, by the same angles", all,
              {.first_head_only = true}),
      mistake("half_rotated", "only the first half of the pairs turned; all D/2 are", all,
              {.half_rotated = true}),
      mistake("frequencies_in_bf16", "frequencies kept in bf16; keep them in fp32", all,
              {.frequencies = bf16}),
      mistake("frequencies_in_f16", "frequencies kept in fp16; keep them in fp32", all, {.frequencies = f16}),
      mistake("positions_in_bf16", "positions kept in bf16, which cannot tell 257 from 256; keep them whole",
              all, {.positions = bf16}),
      mistake("angles_in_bf16", "angles rounded to bf16; keep them in fp32", all, {.angles = bf16}),
      mistake("angles_in_f16", "angles rounded to fp16; keep them in fp32", all, {.angles = f16}),
      mistake("y_with_x_stride", "y's rows written as far apart as x's; each array has its own row stride",
              all, {.y_with_x_stride = true}),
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
  op.what = "turns pair i of every head of row t by positions[t]·theta^(-2i/D)";
  op.precision =
      "x and y in the case's type; frequencies, angles, sin, cos and products in fp32, each as good as a "
      "plain powf, sinf and cosf (exp of a rounded logarithm, or a product that is carried from one "
      "frequency "
      "to the next, is not)";
  op.params = {{"T", "tokens"},
               {"H", "heads"},
               {"D", "numbers per head, even"},
               {"layout", "which two numbers are a pair", true, {"half_split", "interleaved"}},
               {"theta", "the base of the frequencies", false}};
  op.inputs = {{"positions", "where the tokens are, int32", {"T"}},
               {"x", "queries or keys", {"T", "H", "D"}}};
  op.outputs = {{"y", "turned", {"T", "H", "D"}}};
  op.problems = problems();
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
