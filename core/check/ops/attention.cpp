#include "core/oracle/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/inputs.h"
#include "core/check/ops/attention_variant.h"
#include "core/check/ops/ops.h"

namespace rung::check {
namespace {

/// What an error in each score and each probability does to the result. To first order, errors δ_j of the
/// scores move o = Σ p_j·v_j by Σ p_j·δ_j·(v_j − o).
void add_error_terms(const Case& problem, const oracle::AttentionShape& shape,
                     const oracle::AttentionMask& mask, double scale, std::span<const double> q,
                     std::span<const double> k, std::span<const double> v, Reference& result) {
  const auto [T, S, H, G, D] = shape;
  // Tensor cores multiply P in the inputs' type, so P may be rounded to it; below f16's normal numbers it
  // loses an absolute amount. The baseline rounds P too.
  const double own = problem.type == NumberType::f32 ? 0 : unit_roundoff(problem.type);
  std::vector<double> score(static_cast<std::size_t>(S));
  std::vector<double> magnitude(score.size());
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t g = h / (H / G);
      double largest = -std::numeric_limits<double>::infinity();
      std::int64_t seen = 0;
      for (std::int64_t j = 0; j < S; ++j) {
        if (!mask.sees(t, j)) continue;
        double dot = 0;
        double sum = 0;
        for (std::int64_t d = 0; d < D; ++d) {
          const double product = q[(t * H + h) * D + d] * k[(j * G + g) * D + d];
          dot += product;
          sum += std::abs(product);
        }
        score[j] = scale * dot;
        magnitude[j] = std::abs(scale) * sum;
        largest = std::max(largest, score[j]);
        ++seen;
      }
      double total = 0;
      for (std::int64_t j = 0; j < S; ++j) total += mask.sees(t, j) ? std::exp(score[j] - largest) : 0;
      const std::int64_t row = (t * H + h) * D;
      for (std::int64_t j = 0; j < S; ++j) {
        if (!mask.sees(t, j)) continue;
        const double p = std::exp(score[j] - largest) / total;
        // The dot product of D terms, the rounding of scale and its product, the difference from the maximum
        // and its product with log2(e), exp itself.
        const double root_of_seen = std::sqrt(static_cast<double>(seen));
        const double score_error =
            accumulator_roundoff * (4 * std::sqrt(static_cast<double>(D)) * magnitude[j] +
                                    3 * std::abs(score[j]) + 3 * (largest - score[j]) + 3);
        for (std::int64_t d = 0; d < D; ++d) {
          const double value = v[(j * G + g) * D + d];
          result.accumulated[row + d] += root_of_seen * p * std::abs(value);
          result.intermediate[row + d] += p * score_error * std::abs(value - result.value[row + d]) +
                                          (p * own + underflow(problem.type)) * std::abs(value);
        }
      }
    }
  }
}

std::vector<Reference> reference(const Case& problem) {
  const oracle::AttentionShape shape = shape_of(problem);
  const oracle::AttentionMask mask = mask_of(problem);
  const double scale = problem.param("scale");
  const std::vector<double> q = problem.input("q").dense();
  const std::vector<double> k = problem.input("k").dense();
  const std::vector<double> v = problem.input("v").dense();
  Reference result;
  result.value.resize(q.size());
  result.accumulated.assign(q.size(), 0);
  result.intermediate.assign(q.size(), 0);
  oracle::attention(shape, mask, scale, q, k, v, result.value);
  add_error_terms(problem, shape, mask, scale, q, k, v, result);
  return {result};
}

struct Shaped {
  std::int64_t T = 1;
  std::int64_t S = 1;
  std::int64_t H = 1;
  std::int64_t G = 1;
  std::int64_t D = 32;
  bool causal = true;
  std::int64_t window = 0;
  std::int64_t first_position = 0;
  double scale = 0;   ///< 0: 1/√D
  double growth = 0;  ///< see let_scores_grow()
};

/// What queries and keys are multiplied with in Style::wide.
constexpr double wide_query = 300;

Case empty_case(const Shaped& s, std::int64_t gap) {
  Case problem;
  problem.params = {{"T", static_cast<double>(s.T)},
                    {"S", static_cast<double>(s.S)},
                    {"H", static_cast<double>(s.H)},
                    {"G", static_cast<double>(s.G)},
                    {"D", static_cast<double>(s.D)},
                    {"causal", s.causal ? 1.0 : 0.0},
                    {"window", static_cast<double>(s.window)},
                    {"first_position", static_cast<double>(s.first_position)},
                    {"scale", s.scale > 0 ? s.scale : 1 / std::sqrt(static_cast<double>(s.D))}};
  problem.outputs = {output("out", {s.T, s.H, s.D}, gap > 0 ? gap + 7 : 0)};
  return problem;
}

std::string text(const Shaped& s) {
  std::string description = fmt::format("T={} S={} H={} G={} D={}", s.T, s.S, s.H, s.G, s.D);
  description += s.causal ? " causal" : " not causal";
  if (s.window > 0) description += fmt::format(" window={}", s.window);
  if (s.first_position != 0) description += fmt::format(" first={}", s.first_position);
  if (s.scale > 0) description += fmt::format(" scale={:.3g}", s.scale);
  if (s.growth > 0) description += fmt::format(", scores growing by {} over the keys", s.growth);
  return description;
}

/// Adds about `growth` to the score of the last key and proportionally less to those before it, so that every
/// block of keys has a larger maximum than the one before. All D numbers of a head take part: one large
/// product would make the error of q·k hang on where in the sum it comes.
void let_scores_grow(NumberType type, const Shaped& s, Array& q, Array& k) {
  const auto add = [&](Array& array, const auto& summand) {
    for (std::int64_t r = 0; r < array.rows(); ++r) {
      for (std::int64_t d = 0; d < array.columns(); ++d) {
        float& number = array.values[r * array.row_stride + d];
        number = round_to(type, static_cast<double>(number) + summand(r));
      }
    }
  };
  add(q, [](std::int64_t) { return 1.0; });
  add(k, [&](std::int64_t row) {
    const std::int64_t key = row / s.G;
    const double share = static_cast<double>(key + 1) / static_cast<double>(s.S);
    return s.growth * share / std::sqrt(static_cast<double>(s.D));  // D of them, over √D
  });
}

/// Values far outside fp16's range, and products q·k too, which the scale brings back.
void widen(NumberType type, Array& q, Array& k, Array& v) {
  const double value = type == NumberType::f16 ? 100 : 1e20;
  for (float& number : q.values) number = round_to(type, wide_query * static_cast<double>(number));
  for (float& number : k.values) number = round_to(type, wide_query * static_cast<double>(number));
  for (float& number : v.values) number = round_to(type, value * static_cast<double>(number));
}

Problem shaped(Shaped s, int draws, Style style = Style::normal, std::int64_t gap = 0) {
  Problem problem;
  problem.description = fmt::format("{}, {}{}", text(s), name(style), gap > 0 ? ", strided rows" : "");
  problem.draws = draws;
  problem.normal = style == Style::normal && s.growth == 0;
  if (style == Style::wide) s.scale = 1 / (wide_query * wide_query * std::sqrt(static_cast<double>(s.D)));
  problem.draw = [=](NumberType type, Random& random) {
    Case drawn = empty_case(s, gap);
    const Shape keys = {s.S, s.G, s.D};
    // Large scores come from large queries; values that cancel come in pairs of keys.
    const bool normal = style == Style::cancellation || style == Style::wide;
    const Style keys_style = style == Style::large || normal ? Style::normal : style;
    Array q = draw_array(type, random, "q", {s.T, s.H, s.D}, normal ? Style::normal : style, gap);
    Array k = draw_array(type, random, "k", keys, keys_style, gap > 0 ? gap + 2 : 0);
    Array v = draw_array(type, random, "v", keys, keys_style, gap > 0 ? gap + 4 : 0);
    if (s.growth > 0) let_scores_grow(type, s, q, k);
    if (style == Style::wide) widen(type, q, k, v);
    if (style == Style::cancellation) {
      for (std::int64_t j = 1; j < s.S; j += 2) {
        for (std::int64_t g = 0; g < s.G; ++g) {
          for (std::int64_t d = 0; d < s.D; ++d) {
            v.values[(j * s.G + g) * v.row_stride + d] = -v.values[((j - 1) * s.G + g) * v.row_stride + d];
          }
        }
      }
    }
    drawn.inputs = {std::move(q), std::move(k), std::move(v)};
    return drawn;
  };
  return problem;
}

Probe probe_case(NumberType type, const std::string& short_name, const Shaped& s, std::string what) {
  Probe probe;
  probe.what = std::move(what);
  probe.problem = empty_case(s, 0);
  probe.problem.op = "attention";
  probe.problem.type = type;
  probe.problem.name = fmt::format("attention-{}-{}", name(type), short_name);
  probe.problem.description = text(s) + ", " + short_name;
  return probe;
}

/// q = 0 makes all scores equal, and key j's value is 1 in dimension j alone: out[t, d] is 1/n where query t
/// sees key d, one of n, and 0 elsewhere. `unread` keys, which no query sees, hold NaN.
Probe visible_keys(NumberType type, const std::string& short_name, Shaped s, std::string what) {
  s.D = s.S;
  s.scale = 1;
  Probe probe = probe_case(type, short_name, s, std::move(what));
  const oracle::AttentionMask mask = mask_of(probe.problem);
  std::vector<bool> read(static_cast<std::size_t>(s.S), false);
  for (std::int64_t t = 0; t < s.T; ++t) {
    for (std::int64_t j = 0; j < s.S; ++j) read[j] = read[j] || mask.sees(t, j);
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto key_of = [&](std::int64_t row) { return row / s.G; };
  probe.problem.inputs = {
      fill_array(type, "q", {s.T, s.H, s.D}, [](std::int64_t, std::int64_t) { return 0.0; }),
      fill_array(type, "k", {s.S, s.G, s.D},
                 [&](std::int64_t row, std::int64_t) { return read[key_of(row)] ? 1.0 : nan; }),
      fill_array(type, "v", {s.S, s.G, s.D}, [&](std::int64_t row, std::int64_t d) {
        return !read[key_of(row)] ? nan : key_of(row) == d ? 1.0 : 0.0;
      })};
  for (std::int64_t t = 0; t < s.T; ++t) {
    double seen = 0;
    for (std::int64_t j = 0; j < s.S; ++j) seen += mask.sees(t, j) ? 1 : 0;
    for (std::int64_t h = 0; h < s.H; ++h) {
      for (std::int64_t d = 0; d < s.D; ++d) probe.expected.push_back(mask.sees(t, d) ? 1 / seen : 0);
    }
  }
  probe.ulps = 2;
  return probe;
}

/// Two keys whose scores differ by scale·8: their values' shares are e^(8·scale) to 1.
Probe score_gap(NumberType type, double scale) {
  const Shaped s{.T = 1, .S = 2, .H = 2, .G = 1, .D = 64, .first_position = 1, .scale = scale};
  Probe probe = probe_case(type, fmt::format("gap-{}", scale), s, "scores are scale times q·k");
  probe.problem.inputs = {
      fill_array(type, "q", {1, 2, 64}, [](std::int64_t, std::int64_t) { return 1.0; }),
      fill_array(type, "k", {2, 1, 64}, [](std::int64_t j, std::int64_t) { return j == 1 ? 0.125 : 0.0; }),
      fill_array(type, "v", {2, 1, 64},
                 [](std::int64_t j, std::int64_t d) { return j == d % 2 ? 1.0 : 0.0; })};
  const double e = std::exp(8 * scale);
  for (std::int64_t i = 0; i < 2 * 64; ++i) probe.expected.push_back((i % 2 == 1 ? e : 1) / (1 + e));
  probe.ulps = type == NumberType::f32 ? 8 : 2;
  return probe;
}

/// Each query's scores are so far apart that the largest one that it sees takes all weight: the newest key's where
/// `step` is positive, the oldest one's where it is negative. Keys that it does not see have larger ones.
Probe far_apart(NumberType type, const std::string& short_name, Shaped s, double step) {
  s.D = 64;
  s.scale = 1;
  Probe probe = probe_case(type, short_name, s,
                           "scores that are not seen, far above the others, must not enter the maximum");
  const auto value = [](std::int64_t key, std::int64_t d) {
    return static_cast<double>(1 + (5 * key + d) % 97);
  };
  probe.problem.inputs = {
      fill_array(type, "q", {s.T, s.H, s.D}, [](std::int64_t, std::int64_t) { return 1.0; }),
      fill_array(type, "k", {s.S, s.G, s.D},
                 [&](std::int64_t row, std::int64_t) {
                   const std::int64_t key = row / s.G;
                   return step * static_cast<double>(key);
                 }),
      fill_array(type, "v", {s.S, s.G, s.D},
                 [&](std::int64_t row, std::int64_t d) { return value(row / s.G, d); })};
  for (std::int64_t t = 0; t < s.T; ++t) {
    const std::int64_t own = s.first_position + t;
    const std::int64_t key = step > 0 ? own : std::max<std::int64_t>(own - s.window + 1, 0);
    for (std::int64_t i = 0; i < s.H * s.D; ++i) probe.expected.push_back(value(key, i % s.D));
  }
  probe.ulps = 2;
  return probe;
}

/// All scores are `score`, far below 0, so that the maximum must begin below them and a masked one must be lower
/// still: out[t, d] is 1/n where query t sees key d, one of n.
Probe low_scores(NumberType type, double score) {
  const Shaped s{.T = 5, .S = 64, .H = 2, .G = 1, .first_position = 59};
  Probe probe = visible_keys(type, fmt::format("scores-of-{}", score), s,
                             "scores far below 0 are as good as others; the maximum begins at -inf");
  for (Array& input : probe.problem.inputs) {
    if (input.name == "q") std::ranges::fill(input.values, static_cast<float>(score / (20 * 64)));
    if (input.name == "k") std::ranges::fill(input.values, 20.0F);
  }
  return probe;
}

/// Four equal scores, so the result is a quarter of the sum of four values, exact in fp32 and rounded once.
Probe rounded_mean(NumberType type) {
  const Shaped s{.T = 1, .S = 4, .H = 2, .G = 2, .D = 64, .first_position = 3, .scale = 1};
  Probe probe = probe_case(type, "mean", s,
                           "the mean is exact in fp32, so it is rounded once, to nearest, ties to even");
  Random random(3);
  const std::int64_t largest = type == NumberType::bf16 ? 255 : 2047;  // exact in the type, their sum is not
  probe.problem.inputs = {fill_array(type, "q", {1, 2, 64}, [](std::int64_t, std::int64_t) { return 0.0; }),
                          fill_array(type, "k", {4, 2, 64}, [](std::int64_t, std::int64_t) { return 1.0; }),
                          fill_array(type, "v", {4, 2, 64}, [&](std::int64_t, std::int64_t) {
                            return static_cast<double>(random.below(2 * largest + 1) - largest);
                          })};
  const std::vector<double> v = probe.problem.input("v").dense();
  for (std::int64_t i = 0; i < 2 * 64; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < 4; ++j) sum += v[j * 2 * 64 + i];
    probe.expected.push_back(round_to(type, sum / 4));
  }
  return probe;
}

std::vector<Probe> probes(NumberType type) {
  return {
      visible_keys(type, "causal-edge", {.T = 33, .S = 33, .H = 2, .G = 1},
                   "a query sees its own position and those before it"),
      visible_keys(type, "causal-tiles", {.T = 130, .S = 130, .H = 1, .G = 1},
                   "a query sees its own position and those before it, whatever tile they are in"),
      visible_keys(type, "window-edge", {.T = 21, .S = 21, .H = 2, .G = 2, .window = 5},
                   "a query sees its own position and the window - 1 before it"),
      visible_keys(type, "window-tiles", {.T = 130, .S = 130, .H = 1, .G = 1, .window = 8},
                   "a query sees the window - 1 keys before it, also where it sees nothing of a whole tile"),
      visible_keys(type, "window-not-causal",
                   {.T = 6, .S = 14, .H = 2, .G = 1, .causal = false, .window = 4, .first_position = 5},
                   "a query sees the window - 1 before it and, without a causal mask, all after it"),
      visible_keys(type, "unread-keys", {.T = 3, .S = 40, .H = 4, .G = 2, .window = 8, .first_position = 25},
                   "keys no query sees hold NaN, and must not be read"),
      visible_keys(type, "nothing-seen", {.T = 9, .S = 6, .H = 2, .G = 1, .first_position = -3},
                   "a query that sees no key gives 0"),
      score_gap(type, 0.125),
      score_gap(type, 0.5),
      rounded_mean(type),
      far_apart(type, "masked-above", {.T = 40, .S = 40, .H = 2, .G = 1}, 3),
      far_apart(type, "masked-above-window", {.T = 21, .S = 21, .H = 2, .G = 2, .window = 5}, -3),
      low_scores(type, -200),
      low_scores(type, -20480),
  };
}

Reordering reordering(std::string name, AttentionVariant variant) {
  return {std::move(name),
          [variant](const Case& problem) { return attention_variant<float>(problem, variant); }};
}

}  // namespace

Op attention_op() {
  Op op;
  op.name = "attention";
  op.chapter = 3;
  op.what = "out = softmax(scale·q·kᵀ over the keys a query sees)·v; head h uses key/value head h / (H / G)";
  op.precision =
      "q, k, v and out in the case's type; scores, exp and sums in fp32; P may be rounded to the case's type";
  op.params = {
      {"T", "queries"},
      {"S", "keys; key j is at position j"},
      {"H", "query heads"},
      {"G", "key/value heads; divides H"},
      {"D", "numbers per head"},
      {"causal", "1: a query sees keys up to its own position", true, {"no", "yes"}},
      {"window", "0: none; W: a query sees no key that is W or more before its own position"},
      {"first_position", "position of query 0; negative: more queries than keys, the first see nothing"},
      {"scale", "of the scores", false}};
  op.inputs = {
      {"q", "queries", {"T", "H", "D"}}, {"k", "keys", {"S", "G", "D"}}, {"v", "values", {"S", "G", "D"}}};
  op.outputs = {{"out", "attended values; 0 for a query that sees no key", {"T", "H", "D"}}};
  op.problems = {
      shaped({.T = 1, .S = 1, .H = 4, .G = 2}, 8),
      shaped({.T = 33, .S = 33, .H = 1, .G = 1, .D = 40}, 6),
      shaped({.T = 9, .S = 9, .H = 8, .G = 2}, 12),
      shaped({.T = 5, .S = 21, .H = 8, .G = 1, .D = 40, .first_position = 16}, 8),  // a chunk of a prefill
      shaped({.T = 1, .S = 65, .H = 4, .G = 2, .first_position = 64}, 16),          // a decode step
      // Sizes that real kernels are made for: more keys than one and two of their blocks, heads as wide.
      shaped({.T = 1, .S = 257, .H = 2, .G = 1, .D = 64, .first_position = 256, .growth = 12}, 64),
      shaped({.T = 5, .S = 130, .H = 2, .G = 1, .D = 128, .first_position = 125, .growth = 12}, 5),
      shaped({.T = 130, .S = 9, .H = 1, .G = 1, .D = 16, .causal = false}, 8),
      shaped({.T = 15, .S = 15, .H = 2, .G = 1, .window = 16}, 10),
      shaped({.T = 16, .S = 16, .H = 2, .G = 1, .window = 16}, 10),
      shaped({.T = 17, .S = 17, .H = 2, .G = 1, .window = 16}, 10),
      shaped({.T = 21, .S = 21, .H = 2, .G = 1, .window = 8}, 8),  // a prefill longer than the window
      shaped({.T = 5, .S = 25, .H = 4, .G = 2, .window = 8, .first_position = 20}, 12),
      shaped({.T = 7, .S = 13, .H = 4, .G = 4, .causal = false}, 8),
      shaped({.T = 7, .S = 25, .H = 4, .G = 2, .causal = false, .window = 6, .first_position = 9}, 12),
      shaped({.T = 8, .S = 5, .H = 2, .G = 1, .first_position = -3}, 12),
      shaped({.T = 9, .S = 9, .H = 4, .G = 2, .scale = 0.35}, 12),
      // Where scores are large, nearly all of a row's error comes from the few draws in which two keys share
      // the weight. Rows that see many keys, and many draws, so that no row hangs on one or two of them.
      shaped({.T = 4, .S = 16, .H = 4, .G = 2, .first_position = 12}, 64, Style::large),
      shaped({.T = 4, .S = 16, .H = 4, .G = 2, .first_position = 12}, 512, Style::outliers),
      shaped({.T = 9, .S = 9, .H = 4, .G = 2}, 12, Style::negative),
      shaped({.T = 9, .S = 9, .H = 4, .G = 2}, 12, Style::cancellation),
      shaped({.T = 5, .S = 21, .H = 4, .G = 2, .first_position = 16}, 12, Style::wide),
      shaped({.T = 9, .S = 9, .H = 6, .G = 3}, 8, Style::normal, 4),
      // The window hides whole tiles of keys, of 32 or 64. (Where tiles begin at the first key that a block sees: a probe.)
      shaped({.T = 9, .S = 100, .H = 2, .G = 1, .window = 8, .first_position = 91}, 12),
  };
  op.reference = reference;
  op.baseline = [](const Case& problem) { return attention_variant<float>(problem, {.rounded = true}); };
  op.shuffled_baseline = [](const Case& problem, Random& random) {
    std::vector<std::int64_t> places(static_cast<std::size_t>(problem.integer("D")));
    std::iota(places.begin(), places.end(), 0);
    for (std::size_t left = places.size(); left > 1; --left) {  // Fisher and Yates
      std::swap(places[left - 1], places[random.below(static_cast<std::int64_t>(left))]);
    }
    return attention_variant<float>(problem, {.score_places = places, .rounded = true});
  };
  op.probes = probes;
  op.mistakes = attention_mistakes();
  op.reorderings = {
      reordering("reversed", {.score_order = Order::reversed, .order = Order::reversed, .rounded = true}),
      reordering("P in fp32, pairwise", {.score_order = Order::pairwise, .order = Order::pairwise}),
      reordering("sixteen chunks", {.score_order = Order::chunks, .order = Order::chunks, .rounded = true}),
      reordering("fused multiply-add in the scores", {.score_order = Order::fma, .rounded = true}),
      reordering("online softmax, blocks of 8", {.score_order = Order::chunks, .block = 8}),
      reordering("online softmax, blocks of 16, P rounded",
                 {.score_order = Order::pairwise, .block = 16, .rounded = true}),
  };
  return op;
}

}  // namespace rung::check
