#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/flash_attention.h"
#include "core/check/functions/kernel_check.h"
#include "core/check/functions/prompt_by_hand.h"
#include "core/oracle/attention.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;
using Input = PromptInput;
using Run = std::function<KernelOutcome(const Input&)>;
using Mistake = FunctionMistake<Input, KernelOutcome>;

KernelOutcome by_oracle(const Input& input) {
  KernelOutcome outcome;
  outcome.numbers.resize(place(input.rows * input.heads * input.head_dim));
  oracle::AttentionMask mask{.causal = true, .window = {}, .first_position = input.past};
  if (input.window > 0) mask.window = input.window;
  oracle::attention({input.rows, input.keys(), input.heads, input.kv_heads, input.head_dim}, mask,
                    input.scale(), input.q(), input.k(), input.v(), outcome.numbers);
  return outcome;
}

/// The keys that each block of the tiled kernel goes over, first … end − 1.
std::vector<std::pair<std::int64_t, std::int64_t>> keys_of_blocks(const Input& input) {
  std::vector<std::pair<std::int64_t, std::int64_t>> keys;
  for (std::int64_t row = 0; row < input.rows; row += prompt_tile_rows) {
    const std::int64_t last = std::min(row + prompt_tile_rows, input.rows) - 1;
    keys.emplace_back(keys_seen(input, {}, row).first, keys_seen(input, {}, last).second);
  }
  return keys;
}

/// No value is beyond 5, and no right result. What a division by almost nothing gives is, and its digits say little.
bool near(double a, double b) {
  if (std::abs(a) > 1000 && std::abs(b) > 1000) return (a > 0) == (b > 0);
  if (std::abs(b) > 10) return std::abs(a - b) <= 1e-3 * std::abs(b);
  return std::isnan(a) == std::isnan(b) && !(std::abs(a - b) > 1e-4);
}

std::string difference(const Input& input, const KernelOutcome& found, const KernelOutcome& expected) {
  if (found.fault != KernelFault::none) return found.told;
  for (std::size_t i = 0; i < std::min(found.numbers.size(), expected.numbers.size()); ++i) {
    if (near(found.numbers[i], expected.numbers[i])) continue;
    const auto at = static_cast<std::int64_t>(i);
    return fmt::format("out[{}, {}, {}] is {:.6g}, expected {:.6g}{}", at / input.head_dim / input.heads,
                       at / input.head_dim % input.heads, at % input.head_dim, found.numbers[i],
                       expected.numbers[i],
                       found.numbers[i] == KernelOutcome::untouched ? ": nothing was written there" : "");
  }
  return found.told;
}

/// Of a kernel that does this where the condition holds, and is right elsewhere.
template <typename Condition>
Run faulty_where(KernelFault fault, Condition condition) {
  return [=](const Input& input) { return condition(input) ? faulty(fault) : by_oracle(input); };
}
bool everywhere(const Input&) {
  return true;
}

/// What the counters found.
struct Counts {
  bool reread = false, few_lanes = false, scattered = false, without_shuffles = false, without_tile = false;
};

/// A kernel whose counts are such, and that is right.
template <typename Such>
Mistake counted(std::string name, std::string sentence, Such such) {
  std::vector<Run> runs;
  for (unsigned bits = 0; bits < 32; ++bits) {
    const Counts counts{.reread = (bits & 1U) != 0,
                        .few_lanes = (bits & 2U) != 0,
                        .scattered = (bits & 4U) != 0,
                        .without_shuffles = (bits & 8U) != 0,
                        .without_tile = (bits & 16U) != 0};
    if (!such(counts)) continue;
    runs.emplace_back([counts](const Input& input) {
      KernelOutcome outcome = by_oracle(input);
      if (!input.counted) return outcome;
      outcome.reread = counts.reread;
      outcome.few_lanes = counts.few_lanes;
      outcome.scattered = counts.scattered;
      outcome.without_shuffles = counts.without_shuffles;
      outcome.without_tile = counts.without_tile;
      return outcome;
    });
  }
  const Run first = runs.front();
  runs.erase(runs.begin());
  return kernel_mistake<Input>(std::move(name), std::move(sentence), first, std::move(runs));
}

/// How a kernel divides its work: a block's queries, a round's keys.
struct Division {
  std::int64_t block = 1, tile = 1;

  Run run(const PromptHabits& habits) const {
    return [habits, *this](const Input& input) { return attended(input, habits, block, tile); };
  }
  /// @param others  the same mistake, with other numbers
  Mistake mistake(std::string name, std::string sentence, const PromptHabits& habits,
                  const std::vector<PromptHabits>& others = {}) const {
    std::vector<Run> also;
    for (const PromptHabits& other : others) {
      if (tile > 1 || !other.in_mask_alone) also.push_back(run(other));  // without a block there is no mask
    }
    return kernel_mistake<Input>(std::move(name), std::move(sentence), run(habits), std::move(also));
  }
  /// The same. Without weights a row is 0, or NaN where it is divided by their sum all the same.
  Mistake mistake_without_weights(std::string name, std::string sentence, const PromptHabits& habits,
                                  std::vector<PromptHabits> others = {}) const {
    others.insert(others.begin(), habits);
    std::vector<PromptHabits> all;
    for (const PromptHabits& one : others) {
      all.push_back(one);
      all.push_back(one);
      all.back().sum_unguarded = true;
    }
    all.erase(all.begin());
    return mistake(std::move(name), std::move(sentence), habits, all);
  }
};

FunctionCheck<Input, KernelOutcome> prompt_check(std::string name, std::string what, const Division& by) {
  FunctionCheck<Input, KernelOutcome> check;
  check.name = std::move(name);
  check.chapter = 15;
  check.what = std::move(what);
  check.oracle = by_oracle;
  check.same = [](const KernelOutcome& found, const KernelOutcome& expected) {
    return same_outcome(found, expected, near);
  };
  check.show = [](const KernelOutcome& outcome) { return fmt::format("{} numbers", outcome.numbers.size()); };
  check.difference_in = difference;
  check.mistakes = {
      by.mistake_without_weights("prompt_kv_head_modulo",
                                 "key/value head of query head h taken as h % G; it is h / (H / G)",
                                 {.kv_head_modulo = true}),
      by.mistake_without_weights("prompt_kv_head_over_groups",
                                 "key/value head of query head h taken as h / G; it is h / (H / G)",
                                 {.kv_head_over_groups = true}),
      by.mistake("prompt_past_dropped", "row t taken to be at position t; it is at past + t",
                 {.past_dropped = true}),
      by.mistake("prompt_scale_left_out", "scores not multiplied by the scale", {.scale_left_out = true}),
      by.mistake("prompt_scale_twice", "scores multiplied by the scale twice", {.scale_twice = true}),
      by.mistake("prompt_not_divided", "the result not divided by the sum of the weights",
                 {.not_divided = true}),
      by.mistake_without_weights("prompt_own_key_masked", "a query does not see its own position; it does",
                                 {.causal_shift = -1}, {{.causal_shift = -1, .in_mask_alone = true}}),
      by.mistake("prompt_next_key_seen", "a query sees the position after its own; it must not",
                 {.causal_shift = 1},
                 {{.causal_shift = 1, .in_mask_alone = true},
                  {.causal_shift = 1, .filling_seen = true, .in_mask_alone = true}}),
      by.mistake("prompt_causal_ignored", "a query sees all positions; it sees those up to its own",
                 {.causal_ignored = true},
                 {{.causal_ignored = true, .in_mask_alone = true},
                  {.causal_ignored = true, .in_mask_alone = true, .end_unmasked = true},
                  {.causal_ignored = true, .window_ignored = true},
                  {.causal_ignored = true, .window_ignored = true, .in_mask_alone = true}}),
      by.mistake("prompt_window_ignored", "the window left out; only its W newest keys are seen",
                 {.window_ignored = true}, {{.window_ignored = true, .in_mask_alone = true}}),
      by.mistake("prompt_window_one_longer", "W + 1 keys seen; it is the W newest, its own among them",
                 {.window_shift = 1}, {{.window_shift = 1, .in_mask_alone = true}}),
      by.mistake("prompt_window_one_shorter", "W - 1 keys seen; it is the W newest, its own among them",
                 {.window_shift = -1}, {{.window_shift = -1, .in_mask_alone = true}}),
      by.mistake("prompt_not_rescaled",
                 "neither sum nor result multiplied by exp(old - new) when the maximum grows",
                 {.sum_not_rescaled = true, .result_not_rescaled = true}),
      by.mistake("prompt_sum_not_rescaled", "the sum not multiplied by exp(old - new) when the maximum grows",
                 {.sum_not_rescaled = true}),
      by.mistake("prompt_result_not_rescaled",
                 "the result not multiplied by exp(old - new) when the maximum grows",
                 {.result_not_rescaled = true}),
      by.mistake(
          "prompt_first_number_rescaled",
          "only the first of a lane's numbers of the result multiplied by exp(old - new); all of them are",
          {.first_rescaled_alone = true}),
      by.mistake("prompt_first_max_kept",
                 "the first maximum kept for ever; exp of a score far above it is infinite, so it must grow",
                 {.first_max_kept = true}),
      by.mistake_without_weights("prompt_max_starts_at_0",
                                 "the maximum starts at 0 or another number, and scores far below are lost; "
                                 "it starts at -inf",
                                 {.max_starts_at_zero = true})};
  // Who walks on to the position after its own walks out of the array with the last query.
  std::ranges::find(check.mistakes, "prompt_next_key_seen", &Mistake::name)
      ->also.push_back(faulty_where(KernelFault::out_of_bounds, everywhere));
  // A start below the scores of the cases before spoils one alone.
  for (const bool unguarded : {false, true}) {
    check.mistakes.back().also.emplace_back([=](const Input& input) {
      return attended(input, {.max_starts_at_zero = input.lift < -1e6, .sum_unguarded = unguarded}, by.block,
                      by.tile);
    });
  }
  check.mistakes.push_back(kernel_mistake<Input>(
      "prompt_rows_unguarded",
      "rows behind the last one read or written; a block may have more than there are",
      faulty_where(KernelFault::out_of_bounds,
                   [=](const Input& input) { return input.rows % (by.tile == 1 ? 4 : by.block) != 0; })));
  check.mistakes.push_back(
      kernel_mistake<Input>("prompt_shared_place",
                            "two threads use one place of memory, and nothing says which of them comes first",
                            faulty_where(KernelFault::race_across_blocks, everywhere)));
  return check;
}

}  // namespace

std::int64_t prompt_keys_of_blocks(const PromptInput& input) {
  std::int64_t keys = 0;
  for (const auto& [first, end] : keys_of_blocks(input)) keys += end - first;
  return keys * input.heads;
}

KernelOutcome prompt_without_counts(const PromptInput& input, KernelOutcome outcome) {
  if (!input.counted || std::ranges::equal(outcome.numbers, by_oracle(input).numbers, near)) return outcome;
  return {.numbers = std::move(outcome.numbers),
          .fault = outcome.fault,
          .in_warp = outcome.in_warp,
          .told = outcome.fault == KernelFault::none ? "" : std::move(outcome.told)};
}

FunctionCheck<PromptInput, KernelOutcome> online_attention_check() {
  const Division by;
  auto check =
      prompt_check("online_attention", "attention of a prompt, a warp for each query, a key at a time", by);
  check.cases = {
      {"one", "one query, one key", {}},
      {"three", "3 queries", {.rows = 3}},
      {"rising", "6 queries, scores growing by 2 a key", {.rows = 6, .rise = 2}},
      {"steep", "5 queries, scores growing by 100 a key", {.rows = 5, .rise = 100}},
      {"heads", "5 queries, 6 heads, 2 key/value heads", {.rows = 5, .heads = 6, .kv_heads = 2}},
      {"past", "3 queries after 6 remembered positions", {.rows = 3, .past = 6, .heads = 2}},
      {"head-of-20", "4 queries, heads of 20", {.rows = 4, .head_dim = 20, .rise = 1}},
      {"head-of-40", "5 queries, heads of 40", {.rows = 5, .head_dim = 40, .rise = 1}},
      {"window", "9 queries, a window of 4", {.rows = 9, .head_dim = 64, .window = 4}},
      {"window-past", "4 queries after 20, a window of 6", {.rows = 4, .past = 20, .window = 6}},
      {"low", "7 queries, scores around -20000", {.rows = 7, .head_dim = 96, .lift = -20000}},
      {"far-below", "4 queries, scores around -2 million", {.rows = 4, .lift = -2e6, .factor = 16}},
      {"wide", "9 queries of 2 heads of 128", {.rows = 9, .heads = 2, .head_dim = 128, .rise = 0.5}},
      {"counted",
       "one query after 63 remembered positions, and requests are counted",
       {.past = 63, .counted = true}}};
  const auto add = [&](Mistake mistake) { check.mistakes.push_back(std::move(mistake)); };
  add(by.mistake("prompt_head_tail_dropped",
                 "numbers of a head behind the last multiple of 32 not read or written",
                 {.scored = 32, .stored = 32},
                 {{.scored = 32, .stored = 32, .tail_untouched = true},
                  {.stored = 32},
                  {.stored = 32, .tail_untouched = true}}));
  add(kernel_mistake<Input>(
      "prompt_numbers_unguarded",
      "numbers read or written behind a head's last one; they are another head's, or behind the array",
      faulty_where(KernelFault::out_of_bounds, [](const Input& input) { return input.head_dim % 32 != 0; }),
      {faulty_where(KernelFault::out_of_bounds, [](const Input& input) { return input.head_dim < 128; })}));
  add(by.mistake("prompt_sum_of_one_lane",
                 "a score of one lane's numbers alone; the sum over the warp makes it the query's",
                 {.lane_alone = true}));
  add(kernel_mistake<Input>(
      "prompt_lanes_left_out",
      "a shuffle without some lanes, which its mask, an `if` or a return before it leaves out; all 32 take "
      "part",
      faulty_where(KernelFault::missing_lane, [](const Input& input) { return input.head_dim < 32; }),
      {faulty_where(KernelFault::missing_lane, [](const Input& input) { return input.head_dim % 32 != 0; }),
       faulty_where(KernelFault::missing_lane, everywhere)}));
  add(counted("prompt_one_lane", "right, but one lane walks alone; a warp's 32 lanes share a query's numbers",
              [](const Counts& counts) { return counts.few_lanes && !counts.without_tile; }));
  add(counted("prompt_without_shuffles",
              "right, but no sum goes over the warp; its lanes walk over the keys together",
              [](const Counts& counts) {
                return counts.without_shuffles && !counts.few_lanes && !counts.without_tile;
              }));
  add(counted("prompt_keys_read_again",
              "right, but keys are read more than once; sum and result are rescaled, so that once will do",
              [](const Counts& counts) {
                return counts.reread && !counts.few_lanes && !counts.without_shuffles && !counts.without_tile;
              }));
  return check;
}

FunctionCheck<PromptInput, KernelOutcome> tiled_attention_check() {
  const Division by{.block = prompt_tile_rows, .tile = prompt_tile_keys};
  auto check =
      prompt_check("tiled_attention", "attention of a prompt with tiles of queries, keys and values", by);
  check.cases = {
      {"tile", "16 queries, 16 keys, heads of 64", {.rows = 16, .head_dim = 64}},
      {"two-tiles", "64 queries, scores growing by 0.1 a key", {.rows = 64, .rise = 0.1}},
      {"few", "5 queries", {.rows = 5, .head_dim = 64}},
      {"ragged",
       "39 queries, heads of 48, scores growing by 0.5 a key",
       {.rows = 39, .head_dim = 48, .rise = 0.5}},
      {"heads",
       "33 queries, 6 heads, 2 key/value heads",
       {.rows = 33, .heads = 6, .kv_heads = 2, .head_dim = 8}},
      {"past", "7 queries after 41, heads of 42", {.rows = 7, .past = 41, .head_dim = 42}},
      {"window", "70 queries, a window of 9", {.rows = 70, .window = 9}},
      {"window-past", "32 queries after 50, a window of 4", {.rows = 32, .past = 50, .window = 4}},
      {"low", "40 queries, scores around -20000", {.rows = 40, .lift = -20000}},
      {"far-below", "20 queries, scores around -2 million", {.rows = 20, .lift = -2e6, .factor = 16}},
      {"masked-above", "20 queries, scores growing by 150 a key", {.rows = 20, .rise = 150}},
      {"counted",
       "32 queries after 64, and requests are counted",
       {.rows = 32, .past = 64, .counted = true}}};
  const auto add = [&](Mistake mistake) { check.mistakes.push_back(std::move(mistake)); };
  add(by.mistake(
      "prompt_head_tail_dropped",
      "numbers of a head behind the last multiple of 4 left out; the first lanes have one more than "
      "the others",
      {.stored = 4},
      {{.scored = 4, .stored = 4},
       {.stored = 4, .tail_untouched = true},
       {.scored = 4, .stored = 4, .tail_untouched = true}}));
  add(by.mistake_without_weights(
      "prompt_masked_after_max",
      "masked after the maximum was taken, so that exp of all that is seen may be 0",
      {.masked_after_max = true}));
  add(by.mistake("prompt_masked_score_zero",
                 "a masked key's score set to 0, which still has a weight; set it to -inf",
                 {.masked_score = 0}));
  add(by.mistake(
      "prompt_masked_score_finite",
      "a masked key's score set to a number like -10000, and scores may be below it; set it to -inf",
      {.masked_score = -10000}, {{.masked_score = -1e6}}));
  add(by.mistake_without_weights("prompt_last_tile_dropped", "keys behind the last whole tile not looked at",
                                 {.last_tile_dropped = true}));
  add(by.mistake_without_weights("prompt_sum_of_one_lane",
                                 "divided by the sum of one lane's keys; four lanes share a query",
                                 {.own_lane_sum = true}));
  add(by.mistake_without_weights(
      "prompt_max_of_one_lane",
      "each lane subtracts the largest of its own keys' scores; the four lanes of a query must agree",
      {.own_lane_max = true}, {{.own_lane_max = true, .infinity_unguarded = true}}));
  add(by.mistake_without_weights(
      "prompt_infinity_minus_infinity",
      "-inf subtracted from -inf, which is NaN, where a query sees nothing of its first tile",
      {.infinity_unguarded = true}));
  add(kernel_mistake<Input>("prompt_keys_unguarded",
                            "keys and values behind the last one read; fill the tile up with zeros",
                            faulty_where(KernelFault::out_of_bounds, [](const Input& input) {
                              const auto [first, end] = keys_of_blocks(input).back();
                              return (end - first) % prompt_tile_keys != 0;
                            })));
  const auto rows_missing = [](const Input& input) { return input.rows % prompt_tile_rows != 0; };
  const auto keys_missing = [](const Input& input) {
    return std::ranges::any_of(keys_of_blocks(input),
                               [](const auto& keys) { return keys.second - keys.first < prompt_tile_keys; });
  };
  add(kernel_mistake<Input>(
      "prompt_tile_not_filled",
      "a tile's numbers read that no thread has written: behind the last key or row it gets a 0, and threads "
      "without a row load, too",
      faulty_where(KernelFault::uninitialised, keys_missing),
      {faulty_where(KernelFault::uninitialised, rows_missing),
       faulty_where(KernelFault::uninitialised,
                    [=](const Input& input) { return rows_missing(input) || keys_missing(input); })}));
  const auto between_lanes = [](const Input&) {
    return KernelOutcome{.numbers = {}, .fault = KernelFault::race, .in_warp = true};
  };
  add(kernel_mistake<Input>(
      "prompt_weights_not_awaited",
      "a lane reads what another lane of its warp may not have written yet; __syncwarp() "
      "belongs between the weights and their use",
      between_lanes));
  add(kernel_mistake<Input>(
      "prompt_barrier_missing",
      "a thread reads of a tile what another may not have written yet, or has overwritten; one barrier "
      "belongs behind the filling, one behind the use",
      faulty_where(KernelFault::race, everywhere), {faulty_where(KernelFault::race, [](const Input& input) {
        return std::ranges::any_of(keys_of_blocks(input), [](const auto& keys) {
          return keys.second - keys.first > prompt_tile_keys;
        });
      })}));
  add(counted(
      "prompt_without_tiles",
      "right, but keys and values do not go through shared memory, where a block's queries share them",
      [](const Counts& counts) { return counts.without_tile; }));
  add(counted("prompt_few_lanes", few_lanes_work,
              [](const Counts& counts) { return counts.few_lanes && !counts.without_tile; }));
  add(counted("prompt_one_lane_of_four",
              "right, but four lanes do not share a query; they agree on its largest score by shuffles",
              [](const Counts& counts) {
                return counts.without_shuffles && !counts.few_lanes && !counts.without_tile;
              }));
  add(counted(
      "prompt_tiles_read_again",
      "right, but more is asked of memory than tiles of 32 queries take, which read a key once a block",
      [](const Counts& counts) {
        return counts.reread && !counts.few_lanes && !counts.without_shuffles && !counts.without_tile;
      }));
  add(counted("prompt_scattered",
              "right, but a warp reads down a column, and a sector is moved for each number",
              [](const Counts& counts) {
                return counts.scattered && !counts.reread && !counts.few_lanes && !counts.without_shuffles &&
                       !counts.without_tile;
              }));
  return check;
}

}  // namespace rung::check
