#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/check/ops/attention_variant.h"

namespace rung::check {
namespace {

/// The scores of a query and head, of all keys.
std::vector<double> all_scores(const Case& problem, std::int64_t t, std::int64_t h) {
  const oracle::AttentionShape shape = shape_of(problem);
  const Array& q = problem.input("q");
  const Array& k = problem.input("k");
  const std::span<const float> query = q.row(t * shape.H + h);
  std::vector<double> scores;
  scores.reserve(static_cast<std::size_t>(shape.S));
  for (std::int64_t j = 0; j < shape.S; ++j) {
    const std::span<const float> key = k.row(j * shape.G + h / (shape.H / shape.G));
    double score = 0;
    for (std::size_t d = 0; d < query.size(); ++d)
      score += static_cast<double>(query[d]) * static_cast<double>(key[d]);
    scores.push_back(problem.param("scale") * score);
  }
  return scores;
}

constexpr double lowest = -std::numeric_limits<double>::infinity();
// fp32's range of exp ends at e^88.7 and e^-87.3, and less than its 24 bits are left down to e^-104. Well inside it,
// so that there is room for sums of many, and well outside.
constexpr double safe = 80;
constexpr double sure = 105;

/// Without the largest score subtracted, exp is asked for more than fp32 holds, or for so little that less than its
/// 24 bits are left. What becomes of such rows hangs on how the rest is written: see softmax's, which is the same.
Chance beyond_range(const Case& problem) {
  const oracle::AttentionShape shape = shape_of(problem);
  const oracle::AttentionMask mask = mask_of(problem);
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t t = 0; t < shape.T; ++t) {
    for (std::int64_t h = 0; h < shape.H; ++h) {
      double largest = lowest;
      double second = lowest;
      const std::vector<double> scores = all_scores(problem, t, h);
      for (std::int64_t j = 0; j < shape.S; ++j) {
        if (!mask.sees(t, j)) continue;
        second = std::max(second, std::min(scores[j], largest));
        largest = std::max(largest, scores[j]);
      }
      const bool beyond = std::isfinite(largest) && std::abs(largest) > safe;
      chance.numbers[0].insert(chance.numbers[0].end(), static_cast<std::size_t>(shape.D), beyond);
      // Clamped scores, or an exp that ends before infinity: two keys beyond the end would share equally.
      chance.surely_wrong = chance.surely_wrong || (second > sure && largest - second > 1);
    }
  }
  return chance;
}

/// How much more than its largest score is subtracted from a row's.
struct Excess {
  double possible = 0;  ///< at most
  double sure = 0;      ///< at least
};

/// Where more than the largest score is subtracted, exp is asked for less than fp32 holds, or than the weights' type
/// does. What becomes of a row without weights hangs on whether it is divided by their sum.
/// @param excess  of a query's row, from the largest score that it sees
template <typename ExcessOf>
Chance too_much_subtracted(const Case& problem, const ExcessOf& excess_of) {
  const double kept = problem.type == NumberType::f16 ? 3 : safe;  // weights below e^-9.7 are subnormal
  const oracle::AttentionShape shape = shape_of(problem);
  const oracle::AttentionMask mask = mask_of(problem);
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t t = 0; t < shape.T; ++t) {
    for (std::int64_t h = 0; h < shape.H; ++h) {
      const std::vector<double> scores = all_scores(problem, t, h);
      double largest = lowest;
      for (std::int64_t j = 0; j < shape.S; ++j) {
        if (mask.sees(t, j)) largest = std::max(largest, scores[j]);
      }
      const Excess excess = excess_of(mask, scores, t, largest);
      chance.numbers[0].insert(chance.numbers[0].end(), static_cast<std::size_t>(shape.D),
                               excess.possible > kept);
      chance.surely_wrong = chance.surely_wrong || excess.sure > sure;
    }
  }
  return chance;
}

/// Masked keys count in the maximum, those of the tiles that are read; and scores of 0, where tiles are filled up. Nothing
/// is sure but that the key after a query's own is as a rule in its tile.
Chance masked_in_maximum(const Case& problem) {
  return too_much_subtracted(problem, [](const oracle::AttentionMask& mask, const std::vector<double>& scores,
                                         std::int64_t t, double largest) {
    Excess excess;
    if (largest == lowest) return excess;
    excess.possible = std::max(-largest, 0.0);
    for (const double score : scores) {
      if (std::isfinite(score)) excess.possible = std::max(excess.possible, score - largest);
    }
    const auto next = static_cast<std::size_t>(std::max<std::int64_t>(mask.first_position + t + 1, 0));
    if (mask.causal && next % 8 != 0 && next < scores.size()) excess.sure = scores[next] - largest;
    return excess;
  });
}

/// The maximum begins somewhere from -10000 to 0.
Chance maximum_begins_too_high(const Case& problem) {
  return too_much_subtracted(
      problem, [](const oracle::AttentionMask&, const std::vector<double>&, std::int64_t, double largest) {
        if (largest == lowest) return Excess{};
        return Excess{.possible = -largest, .sure = -10000 - largest};
      });
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                AttentionVariant variant) {
  const auto kernel = [variant](const Case& problem) { return attention_variant<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return attention_variant<double>(problem, variant); };
  // Mistakes of range and rounding have no fp64 form: double's exp overflows elsewhere.
  if (variant.max_not_subtracted) return {name, sentence, types, kernel, kernel, beyond_range};
  if (variant.masked_after_max) return {name, sentence, types, kernel, kernel, masked_in_maximum};
  if (variant.first_max) return {name, sentence, types, kernel, kernel, maximum_begins_too_high};
  if (variant.products || variant.scores || variant.accumulator) {
    return {name, sentence, types, kernel, kernel};
  }
  return {name, sentence, types, exact, kernel};
}

}  // namespace

std::vector<Mistake> attention_mistakes() {
  using enum NumberType;
  using Scale = AttentionVariant::Scale;
  using KvHead = AttentionVariant::KvHead;
  using QueryHead = AttentionVariant::QueryHead;
  using Rows = AttentionVariant::Rows;
  const std::vector<NumberType> all = {f32, f16, bf16};
  return {
      mistake("scale_left_out", "the scale left out; scores are scale times q·k, as a rule q·k / sqrt(D)",
              all, {.scale = Scale::left_out}),
      // Before the next: where the scale is 1 / sqrt(D), both give the same.
      mistake("scale_one_over_d", "scores divided by D; it is the square root of D", all,
              {.scale = Scale::one_over_d}),
      mistake("scale_twice", "the scale applied twice, to q and to the scores", all, {.scale = Scale::twice}),
      mistake("scale_of_all_heads", "scores divided by sqrt(H·D), the width of all heads; D is one head's",
              all, {.scale = Scale::all_heads}),
      mistake("own_key_masked", "mask off by one: a query does not see its own position; it does", all,
              {.causal_shift = -1}),
      mistake("next_key_seen", "mask off by one: a query sees the position after its own; it must not", all,
              {.causal_shift = 1}),
      mistake("window_one_longer",
              "window off by one: W + 1 keys seen; it is the W newest, its own among them", all,
              {.window_shift = 1}),
      mistake("window_one_shorter",
              "window off by one: W - 1 keys seen; it is the W newest, its own among them", all,
              {.window_shift = -1}),
      mistake("window_ignored", "the window ignored; keys more than W - 1 positions back are not seen", all,
              {.window_ignored = true}),
      mistake("window_without_causal",
              "with a window, later keys are seen too (a prefill longer than the window breaks causality); "
              "both bounds hold",
              all, {.window_without_causal = true}),
      mistake("window_needs_causal", "the window ignored where the mask is not causal; it holds there too",
              all, {.window_needs_causal = true}),
      mistake(
          "window_both_ways",
          "without a causal mask, keys W or more after a query not seen; a window bounds the keys before it",
          all, {.window_both_ways = true}),
      mistake("offset_dropped",
              "query t taken to be at position t; it is at first_position + t (chapter 3: first_query + t)",
              all, {.offset_dropped = true}),
      mistake("masked_score_zero", "a masked key's score set to 0, which still has a weight; set it to -inf",
              all, {.masked_score = 0}),
      mistake("masked_after_softmax",
              "masked after the softmax, so that the weights left do not add up to 1; mask first", all,
              {.masked_after_softmax = true}),
      mistake("masked_row_mean", "a query that sees nothing gets the mean of all values; it is defined as 0",
              all, {.masked_row_mean = true}),
      // After the one before: where a query sees nothing, both give the same.
      mistake("masked_score_minus_10000",
              "a masked key's score set to -10000, which the scores seen may be below; set it to -inf", all,
              {.masked_score = -10000}),
      mistake("kv_head_modulo", "KV head of query head h taken as h % G; it is h / (H / G)", all,
              {.kv_head = KvHead::modulo}),
      mistake("value_head_modulo",
              "value head of query head h taken as h % G (its key head is right); it is h / (H / G)", all,
              {.kv_head = KvHead::values_modulo}),
      mistake("kv_head_first", "all query heads use KV head 0; head h uses h / (H / G)", all,
              {.kv_head = KvHead::first}),
      mistake("key_head_first",
              "all query heads use the keys of head 0 (their values are right); each has its own", all,
              {.kv_head = KvHead::keys_first}),
      mistake("value_head_first",
              "all query heads use the values of head 0 (their keys are right); each has its own", all,
              {.kv_head = KvHead::values_first}),
      mistake("query_head_first", "every head asks with the query of head 0; each has its own", all,
              {.query_head = QueryHead::first}),
      mistake("query_head_shared",
              "heads that share keys share the query, too, that of head h / (H / G); each asks with its own",
              all, {.query_head = QueryHead::of_kv_head}),
      mistake("keys_for_values", "the keys are summed; they give the scores, and the values are summed", all,
              {.rows = Rows::keys}),
      mistake("values_for_keys", "scores are made with the values; they are q times the keys", all,
              {.rows = Rows::values}),
      mistake("first_head_only", "only head 0 computed, the others left 0; every head has its own columns",
              all, {.other_heads = AttentionVariant::OtherHeads::zero}),
      mistake("other_heads_unwritten",
              "only head 0 computed and nothing written for the others; every head has its own columns", all,
              {.other_heads = AttentionVariant::OtherHeads::unwritten}),
      mistake("max_not_subtracted", "the largest score not subtracted; exp overflows fp32 from 89 on", all,
              {.max_not_subtracted = true}),
      mistake("masked_after_max",
              "masked after the maximum was taken, so that exp of all that is seen may be 0; mask first", all,
              {.block = 32, .masked_after_max = true}),
      mistake("max_starts_at_a_number",
              "the maximum starts at 0 or -10000, and scores far below that are lost; it starts at -inf", all,
              {.block = 32, .first_max = 0}),
      mistake("not_rescaled",
              "online softmax: what was added up is not rescaled when the maximum grows; multiply by exp(old "
              "- new)",
              all, {.block = 8, .not_rescaled = true}),
      mistake(
          "blocks_of_64_not_rescaled",
          "online softmax over blocks of 64 keys: what was added up is not rescaled when a block's maximum "
          "is larger; multiply by exp(old - new)",
          all, {.block = 64, .not_rescaled = true}),
      mistake(
          "blocks_of_128_not_rescaled",
          "online softmax over blocks of 128 keys: what was added up is not rescaled when a block's maximum "
          "is larger; multiply by exp(old - new)",
          all, {.block = 128, .not_rescaled = true}),
      mistake("key_tail_dropped", "keys after the last multiple of 8 not read; S need not be one", all,
              {.step = 8}),
      mistake("products_in_f16",
              "q·k kept in fp16 before it is scaled, where it overflows from 65520 on; keep it in fp32", all,
              {.rounded = true, .products = f16}),
      mistake("scores_in_bf16", "scores rounded to bf16 before the softmax; keep them in fp32", all,
              {.rounded = true, .scores = bf16}),
      mistake("scores_in_f16", "scores rounded to fp16 before the softmax; keep them in fp32", {f32, f16},
              {.rounded = true, .scores = f16}),
      mistake("sum_in_f16", "the sum over values kept in fp16; accumulate in fp32", {f32, f16},
              {.rounded = true, .accumulator = f16}),
      mistake("sum_in_bf16", "the sum over values kept in bf16; accumulate in fp32", all,
              {.rounded = true, .accumulator = bf16}),
      mistake("q_stride_for_all", "k and v read with q's row stride; each array has its own", all,
              {.q_stride_for_all = true}),
      mistake("result_truncated", "the result cut off to the output's type; round to nearest", {f16, bf16},
              {.truncated = true}),
  };
}

}  // namespace rung::check
