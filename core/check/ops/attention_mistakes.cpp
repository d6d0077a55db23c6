#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check/ops/attention_variant.h"

namespace rung::check {
namespace {

/// Without the largest score subtracted, exp is asked for more than fp32 holds, or for so little that less than its
/// 24 bits are left. What becomes of such rows hangs on how the rest is written: see softmax's, which is the same.
Chance beyond_range(const Case& problem) {
  // Well inside fp32's range, which ends at e^88.7 and e^-87.3, so that there is room for sums of many.
  constexpr double safe = 80;
  constexpr double sure = 105;
  constexpr double lowest = -std::numeric_limits<double>::infinity();
  const oracle::AttentionShape shape = shape_of(problem);
  const oracle::AttentionMask mask = mask_of(problem);
  const std::vector<double> q = problem.input("q").dense();
  const std::vector<double> k = problem.input("k").dense();
  Chance chance{.numbers = {{}}, .surely_wrong = false};
  for (std::int64_t t = 0; t < shape.T; ++t) {
    for (std::int64_t h = 0; h < shape.H; ++h) {
      double largest = lowest;
      double second = lowest;
      for (std::int64_t j = 0; j < shape.S; ++j) {
        if (!mask.sees(t, j)) continue;
        double score = 0;
        for (std::int64_t d = 0; d < shape.D; ++d) {
          score +=
              q[(t * shape.H + h) * shape.D + d] * k[(j * shape.G + h / (shape.H / shape.G)) * shape.D + d];
        }
        score *= problem.param("scale");
        second = std::max(second, std::min(score, largest));
        largest = std::max(largest, score);
      }
      const bool beyond = std::isfinite(largest) && std::abs(largest) > safe;
      chance.numbers[0].insert(chance.numbers[0].end(), static_cast<std::size_t>(shape.D), beyond);
      // Clamped scores, or an exp that ends before infinity: two keys beyond the end would share equally.
      chance.surely_wrong = chance.surely_wrong || (second > sure && largest - second > 1);
    }
  }
  return chance;
}

Mistake mistake(std::string name, std::string sentence, std::vector<NumberType> types,
                AttentionVariant variant) {
  const auto kernel = [variant](const Case& problem) { return attention_variant<float>(problem, variant); };
  const auto exact = [variant](const Case& problem) { return attention_variant<double>(problem, variant); };
  // Mistakes of range and rounding have no fp64 form: double's exp overflows elsewhere.
  if (variant.max_not_subtracted) return {name, sentence, types, kernel, kernel, beyond_range};
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
              all, {.masked_score_zero = true}),
      mistake("masked_after_softmax",
              "masked after the softmax, so that the weights left do not add up to 1; mask first", all,
              {.masked_after_softmax = true}),
      mistake("masked_row_mean", "a query that sees nothing gets the mean of all values; it is defined as 0",
              all, {.masked_row_mean = true}),
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
