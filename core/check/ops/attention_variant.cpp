#include "core/check/ops/attention_variant.h"

#include <cmath>
#include <limits>

namespace rung::check {
namespace {

/// Which keys a variant's query sees, and whether it reads them although it does not.
struct Visibility {
  const AttentionVariant& variant;
  oracle::AttentionMask mask;

  bool sees(std::int64_t t, std::int64_t j) const {
    const std::int64_t position = (variant.offset_dropped ? 0 : mask.first_position) + t;
    const bool windowed =
        mask.window && !variant.window_ignored && (mask.causal || !variant.window_needs_causal);
    if (windowed && !mask.causal && variant.window_both_ways && j >= position + *mask.window) return false;
    const bool causal = mask.causal && !(windowed && variant.window_without_causal);
    if (causal && j > position + variant.causal_shift) return false;
    return !windowed || j > position - *mask.window - variant.window_shift;
  }
  bool reads_all() const {
    return variant.masked_score || variant.masked_after_softmax || variant.masked_after_max;
  }
};

template <typename Real>
Real scale_of(const Case& problem, const AttentionVariant& variant) {
  const Real given = static_cast<Real>(problem.param("scale"));
  switch (variant.scale) {
    case AttentionVariant::Scale::given:
      return given;
    case AttentionVariant::Scale::left_out:
      return 1;
    case AttentionVariant::Scale::twice:
      return given * given;
    case AttentionVariant::Scale::one_over_d:
      return 1 / static_cast<Real>(problem.integer("D"));
    case AttentionVariant::Scale::all_heads:
      return 1 / std::sqrt(static_cast<Real>(problem.integer("H") * problem.integer("D")));
  }
  return given;
}

/// The heads whose keys and values query head `h` uses.
struct KvHeads {
  std::int64_t key = 0;
  std::int64_t value = 0;
};
KvHeads kv_heads_of(AttentionVariant::KvHead kind, std::int64_t h, std::int64_t H, std::int64_t G) {
  using KvHead = AttentionVariant::KvHead;
  const std::int64_t grouped = h / (H / G);
  switch (kind) {
    case KvHead::grouped:
      break;
    case KvHead::modulo:
      return {h % G, h % G};
    case KvHead::values_modulo:
      return {grouped, h % G};
    case KvHead::first:
      return {0, 0};
    case KvHead::keys_first:
      return {0, grouped};
    case KvHead::values_first:
      return {grouped, 0};
  }
  return {grouped, grouped};
}

/// One query's scores of the keys it reads, in order, and where these keys are.
template <typename Real>
struct Scores {
  std::vector<Real> score;
  std::vector<std::int64_t> key;
  std::vector<bool> seen;
};

/// Heads of as many numbers as there are places, each with its numbers in these places; as they are where there are none.
template <typename Real>
std::vector<Real> placed(std::vector<Real> heads, const std::vector<std::int64_t>& places) {
  if (places.empty()) return heads;
  std::vector<Real> all;
  all.reserve(heads.size());
  for (std::size_t head = 0; head < heads.size(); head += places.size()) {
    for (const std::int64_t place : places) all.push_back(heads[head + static_cast<std::size_t>(place)]);
  }
  return all;
}

/// out = Σ p·v over the keys at once, normalised before the sum.
template <typename Real, typename Value>
void whole_softmax(const Case& problem, const AttentionVariant& variant, const Scores<Real>& scores,
                   const Value& value, std::int64_t D, Real* out) {
  const auto n = static_cast<std::int64_t>(scores.score.size());
  Real largest = variant.max_not_subtracted ? 0 : -std::numeric_limits<Real>::infinity();
  if (!variant.max_not_subtracted) {
    for (const Real s : scores.score) largest = std::max(largest, s);
  }
  std::vector<Real> p(scores.score.size());
  for (std::int64_t i = 0; i < n; ++i) p[i] = std::exp(scores.score[i] - largest);
  const Real sum = dot<Real>(
      variant.order, 0, n, [&](std::int64_t i) { return p[i]; }, [](std::int64_t) { return Real{1}; });
  for (std::int64_t i = 0; i < n; ++i) {
    p[i] /= sum;
    if (variant.rounded) p[i] = static_cast<Real>(round_to(problem.type, static_cast<double>(p[i])));
    if (variant.masked_after_softmax && !scores.seen[i]) p[i] = 0;
  }
  if (variant.accumulator || variant.order == Order::sequential || variant.order == Order::reversed) {
    // Key by key for all d at once: the same sums in the same order as below, but faster.
    std::fill(out, out + D, Real{0});
    for (std::int64_t step = 0; step < n; ++step) {
      const std::int64_t i = variant.order == Order::reversed ? n - 1 - step : step;
      for (std::int64_t d = 0; d < D; ++d) {
        out[d] += p[i] * value(i, d);
        if (variant.accumulator) {
          out[d] = static_cast<Real>(round_to(*variant.accumulator, static_cast<double>(out[d])));
        }
      }
    }
    return;
  }
  for (std::int64_t d = 0; d < D; ++d) {
    out[d] = dot<Real>(
        variant.order, 0, n, [&](std::int64_t i) { return p[i]; },
        [&](std::int64_t i) { return value(i, d); });
  }
}

/// The same block by block (Dao et al., "FlashAttention", arXiv:2205.14135, algorithm 1), normalised at the
/// end.
template <typename Real, typename Value>
void online_softmax(const Case& problem, const AttentionVariant& variant, const Scores<Real>& scores,
                    const Value& value, std::int64_t D, Real* out) {
  const auto n = static_cast<std::int64_t>(scores.score.size());
  Real largest = static_cast<Real>(variant.first_max.value_or(-std::numeric_limits<double>::infinity()));
  Real sum = 0;
  std::fill(out, out + D, Real{0});
  for (std::int64_t start = 0; start < n; start += variant.block) {
    const std::int64_t end = std::min(n, start + variant.block);
    Real grown = largest;
    for (std::int64_t i = start; i < end; ++i) grown = std::max(grown, scores.score[i]);
    if (!variant.not_rescaled) {
      const Real factor = std::exp(largest - grown);
      sum *= factor;
      for (std::int64_t d = 0; d < D; ++d) out[d] *= factor;
    }
    largest = grown;
    for (std::int64_t i = start; i < end; ++i) {
      if (!scores.seen[i] && variant.masked_after_max) continue;
      Real p = std::exp(scores.score[i] - largest);
      sum += p;
      if (variant.rounded) p = static_cast<Real>(round_to(problem.type, static_cast<double>(p)));
      for (std::int64_t d = 0; d < D; ++d) out[d] += p * value(i, d);
    }
  }
  if (variant.masked_after_max && sum == 0) return;  // 0, as where nothing is seen
  for (std::int64_t d = 0; d < D; ++d) out[d] /= sum;
}

}  // namespace

oracle::AttentionShape shape_of(const Case& problem) {
  return {problem.integer("T"), problem.integer("S"), problem.integer("H"), problem.integer("G"),
          problem.integer("D")};
}

oracle::AttentionMask mask_of(const Case& problem) {
  oracle::AttentionMask mask{.causal = problem.integer("causal") == 1,
                             .window = {},
                             .first_position = problem.integer("first_position")};
  if (problem.integer("window") > 0) mask.window = problem.integer("window");
  return mask;
}

template <typename Real>
Values attention_variant(const Case& problem, const AttentionVariant& variant) {
  const oracle::AttentionShape shape = shape_of(problem);
  // One by one: clang cannot yet capture a structured binding where OpenMP is on.
  const std::int64_t T = shape.T, S = shape.S, H = shape.H, G = shape.G, D = shape.D;
  const Visibility visibility{variant, mask_of(problem)};
  const Real scale = scale_of<Real>(problem, variant);
  // In the heads of q and k the numbers stand in the order in which they enter q·k.
  const std::vector<Real> q = placed(numbers<Real>(problem.input("q")), variant.score_places);  // [T, H, D]
  const auto keys_or_values = [&](const Array& array) {
    return numbers_at_stride<Real>(
        array, variant.q_stride_for_all ? problem.input("q").row_stride : array.row_stride);
  };
  using Rows = AttentionVariant::Rows;
  const std::vector<Real> k = placed(keys_or_values(problem.input(variant.rows == Rows::values ? "v" : "k")),
                                     variant.score_places);  // [S, G, D]
  const std::vector<Real> v =
      keys_or_values(problem.input(variant.rows == Rows::keys ? "k" : "v"));  // [S, G, D]
  std::vector<Real> out(q.size(), 0);
  const std::int64_t last = S - S % variant.step;
  Scores<Real> scores;
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      const KvHeads kv_heads = kv_heads_of(variant.kv_head, h, H, G);
      const std::int64_t key_head = kv_heads.key;
      const std::int64_t value_head = kv_heads.value;
      const std::int64_t row = (t * H + h) * D;
      std::int64_t query = row;
      if (variant.query_head == AttentionVariant::QueryHead::first) query = t * H * D;
      if (variant.query_head == AttentionVariant::QueryHead::of_kv_head) query = (t * H + h / (H / G)) * D;
      if (h > 0 && variant.other_heads != AttentionVariant::OtherHeads::computed) {
        constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
        const bool unwritten = variant.other_heads == AttentionVariant::OtherHeads::unwritten;
        std::fill_n(&out[row], D, unwritten ? nan : Real{0});
        continue;
      }

      scores.score.clear();
      scores.key.clear();
      scores.seen.clear();
      bool any = false;
      for (std::int64_t j = 0; j < last; ++j) {
        const bool seen = visibility.sees(t, j);
        if (!seen && !visibility.reads_all()) continue;
        any = any || seen;
        const Real* one_query = &q[query];
        const Real* one_key = &k[(j * G + key_head) * D];
        Real s = dot<Real>(
            variant.score_order, 0, D, [&](std::int64_t i) { return one_query[i]; },
            [&](std::int64_t i) { return one_key[i]; });
        if (variant.products) s = static_cast<Real>(round_to(*variant.products, static_cast<double>(s)));
        s *= scale;
        if (variant.scores) s = static_cast<Real>(round_to(*variant.scores, static_cast<double>(s)));
        if (!seen && variant.masked_score) s = static_cast<Real>(*variant.masked_score);
        scores.score.push_back(s);
        scores.key.push_back(j);
        scores.seen.push_back(seen);
      }
      if (!any && variant.masked_row_mean) {  // every key masked by the same large number: all weigh the same
        for (std::int64_t j = 0; j < S; ++j) {
          scores.score.push_back(0);
          scores.key.push_back(j);
          scores.seen.push_back(true);
        }
      }
      if (scores.score.empty()) continue;

      const auto value = [&](std::int64_t i, std::int64_t d) {
        return v[(scores.key[i] * G + value_head) * D + d];
      };
      if (variant.block > 0) {
        online_softmax(problem, variant, scores, value, D, &out[row]);
      } else {
        whole_softmax(problem, variant, scores, value, D, &out[row]);
      }
      if (!variant.truncated) continue;
      for (std::int64_t d = 0; d < D; ++d) {
        out[row + d] = static_cast<Real>(truncate_to(problem.type, static_cast<double>(out[row + d])));
      }
    }
  }
  return {rounded<Real>(problem.type, out)};
}

template Values attention_variant<float>(const Case&, const AttentionVariant&);
template Values attention_variant<double>(const Case&, const AttentionVariant&);

}  // namespace rung::check
