#include "core/oracle/swiglu.h"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// The function of the gate. The first four are SiLU, written differently.
enum class Gate {
  divided,        ///< x / (1 + exp(−x))
  sigmoid_first,  ///< x · (1 / (1 + exp(−x)))
  both_signs,     ///< exp of −|x| only, so that nothing overflows
  exp2,           ///< exp(−x) as 2^(−x·log2 e)
  sigmoid,
  gelu,
  gelu_tanh,
  quick_gelu,
  relu,
  hard_swish,
  sign_lost,        ///< x / (1 + exp(x))
  overflowing,      ///< x·exp(x) / (1 + exp(x))
  approximate_tanh  ///< x/2 · (1 + tanh(x/2)), tanh to 11 bits
};

/// What a variant does other than the plain loop. Some are right, most are mistakes.
struct SwigluVariant {
  Gate gate = Gate::divided;
  bool up_first = false;             ///< up·x·sigmoid(x), from the left
  bool silu_rounded = false;         ///< silu(gate) is rounded to the output's type before up comes
  bool swapped = false;              ///< silu(up)·gate
  bool both = false;                 ///< silu(gate)·silu(up)
  bool up_plus_one = false;          ///< silu(gate)·(up + 1)
  bool interleaved = false;          ///< gate and up taken as even and odd numbers of the row [gate, up]
  double limit = 0;                  ///< gate and up clamped to ± this
  double result_limit = 0;           ///< y clamped to ± this
  bool sigmoid_rounded = false;      ///< sigmoid(gate) is rounded to the output's type before the gate comes
  bool up_with_gate_stride = false;  ///< up's rows are read as far apart as gate's
  bool silu_over_up = false;         ///< where y is written over up, silu(gate) is there before up is read
  bool up_over_gate = false;         ///< where y is written over gate, up is there before the gate is read
  bool truncated = false;
};

template <typename Real>
Real gated(Gate gate, Real x) {
  const Real half = static_cast<Real>(0.5);
  switch (gate) {
    case Gate::divided:
      return x / (1 + std::exp(-x));
    case Gate::sigmoid_first:
      return x * (1 / (1 + std::exp(-x)));
    case Gate::both_signs: {
      const Real e = std::exp(-std::abs(x));
      return x >= 0 ? x / (1 + e) : x * e / (1 + e);
    }
    case Gate::exp2:
      return x / (1 + std::exp2(-x * std::numbers::log2e_v<Real>));
    case Gate::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Gate::gelu:
      return half * x * (1 + std::erf(x / std::numbers::sqrt2_v<Real>));
    case Gate::gelu_tanh: {
      const Real c = static_cast<Real>(0.7978845608028654);  // sqrt(2/π)
      return half * x * (1 + std::tanh(c * (x + static_cast<Real>(0.044715) * x * x * x)));
    }
    case Gate::quick_gelu:
      return x / (1 + std::exp(static_cast<Real>(-1.702) * x));
    case Gate::relu:
      return std::max(x, Real{0});
    case Gate::hard_swish:
      return x * std::min(std::max(x + 3, Real{0}), Real{6}) / 6;
    case Gate::sign_lost:
      return x / (1 + std::exp(x));
    case Gate::overflowing:
      return x * std::exp(x) / (1 + std::exp(x));
    case Gate::approximate_tanh:
      return half * x *
             (1 + static_cast<Real>(round_to(NumberType::f16, static_cast<double>(std::tanh(half * x)))));
  }
  return x;
}

template <typename Real>
Values compute(const Case& problem, const SwigluVariant& variant) {
  const std::int64_t rows = problem.integer("rows");
  const std::int64_t n = problem.integer("n");
  const std::vector<Real> gates = numbers<Real>(problem.input("gate"));  // [rows, n]
  const Array& up = problem.input("up");
  const std::vector<Real> ups = numbers_at_stride<Real>(
      up, variant.up_with_gate_stride ? problem.input("gate").row_stride : up.row_stride);  // [rows, n]
  std::vector<Real> y(gates.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto fused = [&](std::int64_t i) { return i < n ? gates[r * n + i] : ups[r * n + i - n]; };
    for (std::int64_t i = 0; i < n; ++i) {
      Real g = fused(variant.interleaved ? 2 * i : i);
      Real u = fused(variant.interleaved ? 2 * i + 1 : n + i);
      if (variant.swapped) std::swap(g, u);
      if (variant.silu_over_up && problem.in_place == "up") u = gated(variant.gate, g);
      if (variant.up_over_gate && problem.in_place == "gate") g = u;
      if (variant.limit > 0) {
        const Real limit = static_cast<Real>(variant.limit);
        g = std::min(g, limit);
        u = std::min(std::max(u, -limit), limit);
      }
      if (variant.both) u = gated(variant.gate, u);
      if (variant.up_plus_one) u += 1;
      Real& result = y[r * n + i];
      if (variant.up_first) {
        result = u * g / (1 + std::exp(-g));
      } else {
        Real silu = gated(variant.gate, g);
        if (variant.sigmoid_rounded) {
          const Real sigmoid = 1 / (1 + std::exp(-g));
          silu = g * static_cast<Real>(round_to(problem.type, static_cast<double>(sigmoid)));
        }
        if (variant.silu_rounded) silu = static_cast<Real>(round_to(problem.type, static_cast<double>(silu)));
        result = silu * u;
      }
      if (variant.result_limit > 0) {
        const Real limit = static_cast<Real>(variant.result_limit);
        result = std::min(std::max(result, -limit), limit);
      }
      if (variant.truncated)
        result = static_cast<Real>(truncate_to(problem.type, static_cast<double>(result)));
    }
  }
  return {rounded<Real>(problem.type, y)};
}

std::vector<Reference> reference(const Case& problem) {
  const std::vector<double> gate = problem.input("gate").dense();
  const std::vector<double> up = problem.input("up").dense();
  Reference result;
  result.value.resize(gate.size());
  oracle::swiglu(gate, up, result.value);
  result.accumulated.assign(gate.size(), 0);  // nothing is added up
  const double own = problem.type == NumberType::f32 ? 0 : unit_roundoff(problem.type);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    // exp(−g) is good to 2 units; made of exp2, its exponent is rounded twice, an error of 2·u·|g|. Both
    // count as much as exp(−g) does in 1 + exp(−g). Then a sum, a quotient, a product. Eager kernels round
    // silu(g) to the output's type before up comes; that is declared here, and the baseline does it.
    const double weight = 1 / (1 + std::exp(gate[i]));
    const double relative = accumulator_roundoff * (4 + 2 * (1 + std::abs(gate[i])) * weight) + own;
    // exp(−g) overflows below −88, where 1/(1 + exp(−g)) is less than 2^-127.
    const double vanished = underflow(problem.type) * std::abs(up[i]) + 0x1p-126 * std::abs(gate[i] * up[i]);
    result.intermediate.push_back(relative * std::abs(result.value[i]) + vanished);
  }
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
    // Large gates only: they are what exp overflows on. Outliers too, or the few products of two would be all
    // that counts; and rows of 10^2, or products of two would leave fp16's range.
    const bool gate_only = style == Style::large || style == Style::outliers || style == Style::row_scales;
    // A wide range, on the other hand, is up's: far from 0, silu is 0 or the gate.
    drawn.inputs = {
        draw_array(type, random, "gate", {rows, n}, style == Style::wide ? Style::normal : style, gap),
        draw_array(type, random, "up", {rows, n}, gate_only ? Style::normal : style, gap > 0 ? gap + 2 : 0)};
    drawn.outputs = {output("y", {rows, n}, gap > 0 ? gap + 5 : 0)};
    return drawn;
  };
  return problem;
}

/// silu(0) is exactly 0, and far to the right silu(x) is x.
Probe ends(NumberType type) {
  constexpr std::int64_t rows = 2;
  constexpr std::int64_t n = 35;
  Probe probe;
  probe.what = "silu(0) is 0, and silu(64) is 64";
  Case& problem = probe.problem;
  problem.op = "swiglu";
  problem.type = type;
  problem.name = fmt::format("swiglu-{}-ends", name(type));
  problem.description = "rows=2 n=35, gates of 0 and of 64";
  problem.params = {{"rows", rows}, {"n", n}};
  problem.inputs = {
      fill_array(type, "gate", {rows, n}, [](std::int64_t r, std::int64_t) { return r == 0 ? 0.0 : 64.0; }),
      fill_array(type, "up", {rows, n},
                 [](std::int64_t, std::int64_t c) { return static_cast<double>(c) - 17; })};
  problem.outputs = {output("y", {rows, n})};
  for (std::int64_t i = 0; i < rows * n; ++i) {
    probe.expected.push_back(i < n ? 0 : 64 * (static_cast<double>(i - n) - 17));
  }
  probe.ulps = 1;
  return probe;
}

/// Gates so large that silu(gate) is the gate, so that only the product with up is rounded. Products that lie
/// halfway between two numbers of the type are left out.
Probe rounded_once(NumberType type) {
  constexpr std::int64_t rows = 2;
  constexpr std::int64_t n = 64;
  Random random(5);
  Probe probe;
  probe.what = "silu(gate) is the gate here, so its product with up is rounded once, to nearest";
  Case& problem = probe.problem;
  problem.op = "swiglu";
  problem.type = type;
  problem.name = fmt::format("swiglu-{}-once", name(type));
  problem.description = "rows=2 n=64, gates of 32 to 95";
  problem.seed = 5;
  problem.params = {{"rows", rows}, {"n", n}};
  Array gate = fill_array(type, "gate", {rows, n}, [&](std::int64_t, std::int64_t) {
    return static_cast<double>(32 + random.below(64));
  });
  Array up = fill_array(type, "up", {rows, n}, [&](std::int64_t r, std::int64_t c) {
    double u = 0;
    do {
      u = round_to(type, random.normal());
    } while (near_tie(type, u * static_cast<double>(gate.row(r)[c])));
    return u;
  });
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < n; ++c) {
      probe.expected.push_back(
          round_to(type, static_cast<double>(gate.row(r)[c]) * static_cast<double>(up.row(r)[c])));
    }
  }
  problem.inputs = {std::move(gate), std::move(up)};
  problem.outputs = {output("y", {rows, n})};
  return probe;
}

/// up of ±1, so that y is ±silu(gate), rounded once, whether or not silu(gate) was rounded before up came.
/// Gates whose silu lies near the middle between two numbers of the type are left out.
Probe silu_rounded_once(NumberType type) {
  constexpr std::int64_t rows = 2;
  constexpr std::int64_t n = 64;
  Random random(7);
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  Probe probe;
  probe.what = "sigmoid(gate) is kept in fp32, so silu(gate) is rounded once, to nearest";
  Case& problem = probe.problem;
  problem.op = "swiglu";
  problem.type = type;
  problem.name = fmt::format("swiglu-{}-silu", name(type));
  problem.description = "rows=2 n=64, gates of -3 to 6, up +1 and -1";
  problem.seed = 7;
  problem.params = {{"rows", rows}, {"n", n}};
  const Array gate = fill_array(type, "gate", {rows, n}, [&](std::int64_t, std::int64_t) {
    double g = 0;
    do {
      g = round_to(type, 9 * random.uniform() - 3);
    } while (near_tie(type, silu(g)));
    return g;
  });
  const Array up = fill_array(type, "up", {rows, n},
                              [](std::int64_t r, std::int64_t c) { return (r + c) % 2 == 0 ? 1.0 : -1.0; });
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < n; ++c) {
      probe.expected.push_back(
          round_to(type, silu(static_cast<double>(gate.row(r)[c])) * static_cast<double>(up.row(r)[c])));
    }
  }
  problem.inputs = {gate, up};
  problem.outputs = {output("y", {rows, n})};
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  // In fp32 the last rounding is the hardware's own.
  if (type == NumberType::f32) return {ends(type)};
  return {ends(type), rounded_once(type), silu_rounded_once(type)};
}

/// x·exp(x) overflows from x = 84.4 on and exp(x) itself from 88.8 on, by whose exp it is: between them it hangs on how
/// the rest is written whether the result is right, infinity or NaN. From there on it is a number nowhere: see
/// Agreement::possible.
Chance ends_of_exp(const Case& problem) {
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (const double x : problem.input("gate").dense()) {
    const bool at_end = x > 80 && x < 89;
    chance.numbers[0].push_back(at_end);
    chance.surely_wrong = chance.surely_wrong || x >= 89;
  }
  return chance;
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                SwigluVariant variant) {
  const auto kernel = [variant](const Case& problem) { return compute<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return compute<double>(problem, variant); };
  // Mistakes of range and rounding have no fp64 form: double's exp overflows elsewhere.
  if (variant.gate == Gate::overflowing || variant.sigmoid_rounded)
    return {name, sentence, types, kernel, kernel, variant.sigmoid_rounded ? nullptr : ends_of_exp};
  return {name, sentence, types, exact, kernel};
}

std::vector<Mistake> mistakes() {
  using enum NumberType;
  const std::vector<NumberType> all = {f32, f16, bf16};
  return {
      mistake("swapped", "gate and up swapped; silu is for the gate", all, {.swapped = true}),
      mistake("interleaved", "gate and up taken as even and odd columns; each is a block of its own", all,
              {.interleaved = true}),
      mistake("sigmoid", "sigmoid(gate) for silu(gate), which is gate times that", all,
              {.gate = Gate::sigmoid}),
      mistake("gelu", "GELU for SiLU (that is GeGLU)", all, {.gate = Gate::gelu}),
      mistake("gelu_tanh", "GELU's tanh form for SiLU", all, {.gate = Gate::gelu_tanh}),
      mistake("quick_gelu", "sigmoid(1.702 gate) as in quick GELU; SiLU has no factor", all,
              {.gate = Gate::quick_gelu}),
      mistake("relu", "ReLU for SiLU (that is ReGLU)", all, {.gate = Gate::relu}),
      mistake("hard_swish", "the piecewise hard swish for SiLU", all, {.gate = Gate::hard_swish}),
      mistake("sign_lost", "exp(x) under the fraction; it is exp(-x)", all, {.gate = Gate::sign_lost}),
      mistake("overflowing",
              "silu as x exp(x) / (1 + exp(x)), infinity over infinity from 89 on; divide by 1 + exp(-x)",
              all, {.gate = Gate::overflowing}),
      mistake("approximate_tanh", "sigmoid from an 11-bit tanh, which has nothing left for negative gates",
              all, {.gate = Gate::approximate_tanh}),
      mistake("silu_of_both", "silu of up as well; up is only multiplied", all, {.both = true}),
      mistake("up_plus_one", "up + 1 as in gpt-oss; it is up", all, {.up_plus_one = true}),
      mistake("clamped", "gate and up clamped to 7 as in gpt-oss; there is no limit", all, {.limit = 7}),
      mistake("sigmoid_rounded",
              "sigmoid(gate) rounded to the output's type before it is multiplied; keep it in fp32",
              {f16, bf16}, {.silu_rounded = true, .sigmoid_rounded = true}),
      mistake("clamped_to_f16", "y clamped to fp16's largest number, 65504; fp32 and bf16 go on to 3e38",
              {f32, bf16}, {.result_limit = 65504}),
      mistake("silu_over_up",
              "y written over up: silu(gate) is written there before up is read; read both, then write", all,
              {.silu_over_up = true}),
      mistake("up_over_gate",
              "y written over gate: up is written there before the gate is read; read both, then write", all,
              {.up_over_gate = true}),
      mistake("up_with_gate_stride",
              "up's rows read as far apart as gate's; each array has its own row stride", all,
              {.up_with_gate_stride = true}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

Reordering reordering(std::string name, SwigluVariant variant) {
  return {std::move(name), [variant](const Case& problem) { return compute<float>(problem, variant); }};
}

}  // namespace

Op swiglu_op() {
  Op op;
  op.name = "swiglu";
  op.chapter = 4;
  op.what = "y = silu(gate)·up, silu(x) = x / (1 + exp(-x))";
  op.precision =
      "gate, up and y in the case's type, everything between in fp32; silu(gate) may be rounded to the "
      "case's type";
  op.params = {{"rows", "rows of all three"}, {"n", "columns of all three"}};
  op.inputs = {{"gate", "the gate's projection", {"R", "N"}}, {"up", "what is gated", {"R", "N"}}};
  op.outputs = {{"y", "gated", {"R", "N"}}};
  op.in_place = {"gate", "up"};
  op.problems = {
      shaped(4, 1, 64, Style::near_one),
      shaped(3, 31, 96),
      shaped(3, 32, 24),
      shaped(3, 33, 24),
      shaped(1, 1536, 3),
      shaped(5, 257, 3),
      shaped(1, 4097, 2),
      shaped(5, 129, 8, Style::large),
      shaped(6, 129, 8, Style::row_scales),
      shaped(20, 257, 10, Style::outliers),
      shaped(5, 129, 8, Style::negative),
      shaped(8, 129, 16, Style::wide),
      shaped(5, 67, 6, Style::normal, 9),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return compute<float>(problem, {.silu_rounded = true}); };
  op.probes = probes;
  op.mistakes = mistakes();
  op.reorderings = {
      reordering("sigmoid first", {.gate = Gate::sigmoid_first}),
      reordering("no overflow on either side", {.gate = Gate::both_signs}),
      reordering("up first", {.up_first = true}),
      reordering("sigmoid first, silu rounded", {.gate = Gate::sigmoid_first, .silu_rounded = true})};
  return op;
}

}  // namespace rung::check
