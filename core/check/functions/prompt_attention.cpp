#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/flash_attention.h"
#include "core/oracle/attention.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

/// A small number that depends on all three, and on no two of them alone.
double made_up(std::int64_t a, std::int64_t b, std::int64_t c) {
  return static_cast<double>((a * 7 + b * 3 + c * 5 + a * c % 11 + b * c % 5) % 9 - 4) / 4;
}

/// exp as fp32 has it: 0 from e^-104 on down.
double exp_of(double x) {
  return x < -104 ? 0 : std::exp(x);
}

struct PromptHabits {
  bool kv_head_modulo = false, kv_head_over_groups = false;
  bool past_dropped = false, scale_left_out = false;
  std::int64_t causal_shift = 0, window_shift = 0;
  bool end_unguarded = false;       ///< the last query sees a key behind the last one, where there are NaNs
  bool shift_in_mask_only = false;  ///< no key is walked to that a right kernel does not walk to
  bool masked_after_max = false, masked_score_zero = false;
  bool sum_not_rescaled = false, result_not_rescaled = false, max_starts_at_zero = false;
  bool last_tile_dropped = false, own_lane_sum = false;
  std::int64_t scored = 1, stored = 1;  ///< a head's numbers behind the last multiple are left out
  bool infinity_unguarded = false, sum_unguarded = false, keys_unguarded = false;
};

/// One query of one head.
class Row {
 public:
  Row(const PromptInput& input, const PromptHabits& habits, std::int64_t row, std::int64_t head)
      : input_(input),
        habits_(habits),
        query_(row * input.heads + head),
        head_(habits.kv_head_modulo        ? head % input.kv_heads
              : habits.kv_head_over_groups ? head / input.kv_heads
                                           : head / (input.heads / input.kv_heads)) {}

  /// The keys that a row sees, first … end − 1.
  static std::pair<std::int64_t, std::int64_t> seen(const PromptInput& input, const PromptHabits& habits,
                                                    std::int64_t row) {
    const std::int64_t position = (habits.past_dropped ? 0 : input.past) + row;
    const std::int64_t last = habits.end_unguarded ? input.keys() + 1 : input.keys();
    const std::int64_t end = std::clamp<std::int64_t>(position + 1 + habits.causal_shift, 0, last);
    const std::int64_t window = input.window > 0 ? input.window + habits.window_shift : 0;
    return {window > 0 ? std::clamp<std::int64_t>(position - window + 1, 0, end) : 0, end};
  }

  double score(const Numbers& q, const Numbers& k, std::int64_t key) const {
    double dot = 0;
    for (std::int64_t d = 0; d < first_of(habits_.scored); ++d)
      dot += q[at(query_, d)] * at_or_nan(k, key, d);
    return habits_.scale_left_out ? dot : input_.scale() * dot;
  }

  /// Softmax and values, `tile` keys at a time, from key `first` of its block's to `end` − 1.
  Numbers result(const Numbers& q, const Numbers& k, const Numbers& v, std::int64_t row, std::int64_t first,
                 std::int64_t end, std::int64_t tile) const {
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    const auto [seen_first, seen_end] = seen(input_, habits_, row);
    double max = habits_.max_starts_at_zero ? 0 : nothing;
    std::array<double, 4> sums{};  // of four lanes
    Numbers result(static_cast<std::size_t>(input_.head_dim), 0);
    for (std::int64_t start = first; habits_.last_tile_dropped ? start + tile <= end : start < end;
         start += tile) {
      Numbers scores;
      scores.reserve(static_cast<std::size_t>(tile));
      double new_max = max;
      for (std::int64_t key = start; key < start + tile; ++key) {
        const double own = key < end ? score(q, k, key) : 0;  // behind the end tiles are filled up
        const bool masked = key < seen_first || key >= seen_end;
        scores.push_back(masked ? (habits_.masked_score_zero ? 0 : nothing) : own);
        new_max = std::max(new_max, habits_.masked_after_max ? own : scores.back());
      }
      const double base = new_max == nothing && !habits_.infinity_unguarded ? 0 : new_max;
      const double rescale = exp_of(max - base);
      max = new_max;
      for (double& sum : sums) sum *= habits_.sum_not_rescaled ? 1 : rescale;
      for (double& number : result) number *= habits_.result_not_rescaled ? 1 : rescale;
      for (std::int64_t j = 0; j < tile; ++j) {
        const double weight = exp_of(scores[static_cast<std::size_t>(j)] - base);
        sums[static_cast<std::size_t>(j % 4)] += weight;
        if (habits_.keys_unguarded && start + j >= input_.keys())
          std::ranges::fill(result, std::numeric_limits<double>::quiet_NaN());  // what lies there
        if (start + j >= end) continue;
        for (std::int64_t d = 0; d < first_of(habits_.stored); ++d)
          result[static_cast<std::size_t>(d)] += weight * at_or_nan(v, start + j, d);
      }
    }
    for (std::size_t d = 0; d < result.size(); ++d) {
      const double sum = habits_.own_lane_sum ? sums[d % 4] : sums[0] + sums[1] + sums[2] + sums[3];
      result[d] = habits_.sum_unguarded || sum > 0 ? result[d] / sum : 0;
    }
    return result;
  }

 private:
  const PromptInput& input_;
  const PromptHabits& habits_;
  std::int64_t query_, head_;

  std::int64_t first_of(std::int64_t multiple) const { return input_.head_dim / multiple * multiple; }
  /// Of keys or values; a head that is not there may lie behind the end, where there are NaNs.
  double at_or_nan(const Numbers& numbers, std::int64_t key, std::int64_t d) const {
    const std::size_t place = at(key * input_.kv_heads + head_, d);
    return place < numbers.size() ? numbers[place] : std::numeric_limits<double>::quiet_NaN();
  }
  std::size_t at(std::int64_t vector, std::int64_t d) const {
    return static_cast<std::size_t>(vector * input_.head_dim + d);
  }
};

/// What a kernel with these habits gives whose blocks take `block` queries and whose rounds take `tile` keys.
PromptResult attended(const PromptInput& input, const PromptHabits& habits, std::int64_t block,
                      std::int64_t tile) {
  const Numbers q = input.q();
  const Numbers k = input.k();
  const Numbers v = input.v();
  PromptResult result;
  const PromptHabits walk = habits.shift_in_mask_only ? PromptHabits{} : habits;
  for (std::int64_t row = 0; row < input.rows; ++row) {
    const std::int64_t last = std::min(row / block * block + block, input.rows) - 1;
    const std::int64_t first = Row::seen(input, walk, row / block * block).first;
    const std::int64_t end = Row::seen(input, walk, last).second;
    for (std::int64_t head = 0; head < input.heads; ++head) {
      const Numbers of_head = Row(input, habits, row, head).result(q, k, v, row, first, end, tile);
      result.out.insert(result.out.end(), of_head.begin(), of_head.end());
    }
  }
  if (input.bounded && walk.end_unguarded) result.outside = "a key behind the last one is read";
  return result;
}

PromptResult by_oracle(const PromptInput& input) {
  PromptResult result;
  result.out.resize(static_cast<std::size_t>(input.rows * input.heads * input.head_dim));
  oracle::AttentionMask mask{.causal = true, .window = {}, .first_position = input.past};
  if (input.window > 0) mask.window = input.window;
  oracle::attention({input.rows, input.keys(), input.heads, input.kv_heads, input.head_dim}, mask,
                    input.scale(), input.q(), input.k(), input.v(), result.out);
  return result;
}

/// Rounds of all blocks of the tiled kernel.
std::int64_t rounds_of(const PromptInput& input) {
  std::int64_t rounds = 0;
  for (std::int64_t row = 0; row < input.rows; row += prompt_tile_rows) {
    const std::int64_t first = Row::seen(input, {}, row).first;
    const std::int64_t end = Row::seen(input, {}, std::min(row + prompt_tile_rows, input.rows) - 1).second;
    rounds += (end - first + prompt_tile_keys - 1) / prompt_tile_keys;
  }
  return rounds * input.heads;
}

bool near(double a, double b) {
  return std::isnan(a) == std::isnan(b) && !(std::abs(a - b) > 1e-4);
}

/// A mistake that is told by its barriers has no numbers: they hang on who is ahead of whom.
bool same(const PromptResult& found, const PromptResult& expected) {
  if (!found.outside.empty() || !expected.outside.empty())
    return found.outside.empty() == expected.outside.empty();
  if (expected.out.empty()) return found.barriers == expected.barriers;
  return found.written_behind == expected.written_behind && std::ranges::equal(found.out, expected.out, near);
}

std::string difference(const PromptInput& input, const PromptResult& found, const PromptResult& expected) {
  if (!found.outside.empty()) return found.outside;
  for (std::size_t i = 0; i < std::min(found.out.size(), expected.out.size()); ++i) {
    if (near(found.out[i], expected.out[i])) continue;
    const auto at = static_cast<std::int64_t>(i);
    return fmt::format("out[{}, {}, {}] is {:.6g}, expected {:.6g}", at / input.head_dim / input.heads,
                       at / input.head_dim % input.heads, at % input.head_dim, found.out[i], expected.out[i]);
  }
  return found.written_behind ? "numbers behind the last row of out were written" : "";
}

FunctionMistake<PromptInput, PromptResult> told_by_barriers(std::string name, std::string sentence,
                                                            std::vector<std::int64_t> a_round_and_block) {
  // So many a round, and one a block more where queries have a barrier of their own.
  std::vector<FunctionMistake<PromptInput, PromptResult>::Run> runs;
  for (const std::int64_t a_round : a_round_and_block) {
    for (const std::int64_t a_block : {0, 1}) {
      runs.emplace_back([=](const PromptInput& input) {
        const std::int64_t blocks = (input.rows + prompt_tile_rows - 1) / prompt_tile_rows * input.heads;
        return PromptResult{.out = {}, .barriers = a_round * rounds_of(input) + a_block * blocks};
      });
    }
  }
  const auto first = runs.front();
  runs.erase(runs.begin());
  return {std::move(name), std::move(sentence), first, std::move(runs)};
}

FunctionCheck<PromptInput, PromptResult> prompt_check(std::string name, std::string what, std::int64_t block,
                                                      std::int64_t tile) {
  FunctionCheck<PromptInput, PromptResult> check;
  check.name = std::move(name);
  check.chapter = 15;
  check.what = std::move(what);
  check.oracle = by_oracle;
  check.same = same;
  check.show = [](const PromptResult& result) { return fmt::format("{} numbers", result.out.size()); };
  check.difference_in = difference;
  const auto mistake = [=](std::string called, std::string sentence, PromptHabits habits) {
    return FunctionMistake<PromptInput, PromptResult>{
        std::move(called), std::move(sentence),
        [=](const PromptInput& input) { return attended(input, habits, block, tile); }};
  };
  // Without weights a row is 0, or NaN where it is divided by their sum all the same.
  const auto mistake_without_weights = [=](std::string called, std::string sentence, PromptHabits habits) {
    PromptHabits unguarded = habits;
    unguarded.sum_unguarded = true;
    FunctionMistake<PromptInput, PromptResult> one = mistake(std::move(called), std::move(sentence), habits);
    one.also = {[=](const PromptInput& input) { return attended(input, unguarded, block, tile); }};
    return one;
  };
  // Who walks on to the position after the query's own reads, for the last query, behind the last key, and has NaN there
  // (or 0, where a sum that is not above 0 divides nothing); who ends every walk there has not.
  FunctionMistake<PromptInput, PromptResult> next_key_seen = mistake(
      "prompt_next_key_seen", "a query sees the position after its own; it must not", {.causal_shift = 1});
  for (const bool unguarded : {true, false}) {
    const PromptHabits behind{.causal_shift = 1, .end_unguarded = true, .sum_unguarded = unguarded};
    next_key_seen.also.push_back(mistake("", "", behind).run);
  }
  // Who has only the mask wrong sees, for a block's last query, what the tile is filled up with.
  if (tile > 1) {
    const PromptHabits filled{.causal_shift = 1, .end_unguarded = true, .shift_in_mask_only = true};
    next_key_seen.also.push_back(mistake("", "", filled).run);
  }
  check.mistakes = {
      mistake("prompt_kv_head_modulo", "key/value head of query head h taken as h % G; it is h / (H / G)",
              {.kv_head_modulo = true}),
      mistake_without_weights("prompt_kv_head_over_groups",
                              "key/value head of query head h taken as h / G; it is h / (H / G)",
                              {.kv_head_over_groups = true}),
      mistake("prompt_past_dropped", "row t taken to be at position t; it is at past + t",
              {.past_dropped = true}),
      mistake("prompt_scale_left_out", "scores not multiplied by the scale", {.scale_left_out = true}),
      mistake_without_weights("prompt_own_key_masked", "a query does not see its own position; it does",
                              {.causal_shift = -1}),
      next_key_seen,
      mistake("prompt_window_one_longer", "W + 1 keys seen; it is the W newest, its own among them",
              {.window_shift = 1}),
      mistake("prompt_window_one_shorter", "W - 1 keys seen; it is the W newest, its own among them",
              {.window_shift = -1}),
      mistake("prompt_not_rescaled",
              "neither sum nor result multiplied by exp(old - new) when the maximum grows",
              {.sum_not_rescaled = true, .result_not_rescaled = true}),
      mistake("prompt_sum_not_rescaled", "the sum not multiplied by exp(old - new) when the maximum grows",
              {.sum_not_rescaled = true}),
      mistake("prompt_result_not_rescaled",
              "the result not multiplied by exp(old - new) when the maximum grows",
              {.result_not_rescaled = true}),
      mistake_without_weights("prompt_max_starts_at_0",
                              "the maximum starts at 0 or another number, and scores far below are lost; "
                              "it starts at -inf",
                              {.max_starts_at_zero = true})};
  check.mistakes.emplace_back("prompt_rows_unguarded",
                              "rows behind the last one written; a tile may hang over",
                              [=](const PromptInput& input) {
                                PromptResult result = by_oracle(input);
                                result.written_behind = input.rows % (tile == 1 ? 4 : block) != 0;
                                return result;
                              });
  if (tile == 1) {
    check.mistakes.push_back(mistake("prompt_head_tail_dropped",
                                     "numbers of a head behind the last multiple of 32 not read or written",
                                     {.scored = 32, .stored = 32}));
    check.mistakes.emplace_back("prompt_numbers_unguarded",
                                "numbers read behind a head's last one; behind an array's end they are "
                                "nobody's",
                                [](const PromptInput& input) {
                                  PromptResult result = by_oracle(input);
                                  if (input.bounded && input.head_dim % 32 != 0)
                                    result.outside = "a number behind the last one is read";
                                  return result;
                                });
    return check;
  }
  FunctionMistake<PromptInput, PromptResult> tail =
      mistake("prompt_head_tail_dropped",
              "numbers of a head behind the last multiple of 4 left out; the first lanes have one more than "
              "the others",
              {.stored = 4});
  tail.also = {mistake("", "", {.scored = 4, .stored = 4}).run};
  check.mistakes.push_back(std::move(tail));
  check.mistakes.push_back(
      mistake_without_weights("prompt_masked_after_max",
                              "masked after the maximum was taken, so that exp of all that is seen may be 0",
                              {.masked_after_max = true}));
  check.mistakes.push_back(mistake("prompt_masked_score_zero",
                                   "a masked key's score set to 0, which still has a weight; set it to -inf",
                                   {.masked_score_zero = true}));
  check.mistakes.push_back(mistake("prompt_last_tile_dropped",
                                   "keys behind the last whole tile not looked at",
                                   {.last_tile_dropped = true}));
  check.mistakes.push_back(mistake("prompt_sum_of_one_lane",
                                   "divided by the sum of one lane's keys; four lanes share a query",
                                   {.own_lane_sum = true}));
  check.mistakes.push_back(mistake_without_weights(
      "prompt_infinity_minus_infinity",
      "-inf subtracted from -inf, which is NaN, where a query sees nothing of its first tile",
      {.infinity_unguarded = true}));
  check.mistakes.push_back(mistake("prompt_keys_unguarded",
                                   "keys and values behind the last one read; fill the tile up with zeros",
                                   {.keys_unguarded = true}));
  check.mistakes.push_back(told_by_barriers(
      "prompt_barrier_missing",
      "fewer than two barriers for a tile: one after it is filled, and one after it was used, or "
      "some threads are ahead of others",
      {1, 0}));
  return check;
}

}  // namespace

std::vector<double> PromptInput::q() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(rows * heads * head_dim));
  for (std::int64_t vector = 0; vector < rows * heads; ++vector) {
    // Number 0 carries lift and rise.
    for (std::int64_t d = 0; d < head_dim; ++d)
      numbers.push_back(d == 0 ? 1 : made_up(vector / heads, vector % heads, d));
  }
  return numbers;
}

std::vector<double> PromptInput::k() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(keys() * kv_heads * head_dim));
  for (std::int64_t vector = 0; vector < keys() * kv_heads; ++vector) {
    const std::int64_t key = vector / kv_heads;
    const double added = (lift + rise * static_cast<double>(key)) / scale();
    for (std::int64_t d = 0; d < head_dim; ++d) {
      numbers.push_back(d == 0 ? added : made_up(key + 3, vector % kv_heads + 5, d));
    }
  }
  return numbers;
}

std::vector<double> PromptInput::v() const {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(keys() * kv_heads * head_dim));
  for (std::int64_t vector = 0; vector < keys() * kv_heads; ++vector) {
    for (std::int64_t d = 0; d < head_dim; ++d)
      numbers.push_back(made_up(vector / kv_heads + 6, vector % kv_heads + 1, d) +
                        static_cast<double>(vector % 5));
  }
  return numbers;
}

FunctionCheck<PromptInput, PromptResult> online_attention_check() {
  auto check =
      prompt_check("online_attention", "attention of a prompt, a warp for each query, a key at a time", 1, 1);
  check.cases = {
      {"one", "one query, one key", {}},
      {"three", "3 queries", {.rows = 3}},
      {"rising", "6 queries, scores growing by 2 a key", {.rows = 6, .rise = 2}},
      {"heads", "5 queries, 6 heads, 2 key/value heads", {.rows = 5, .heads = 6, .kv_heads = 2}},
      {"past", "3 queries after 6 remembered positions", {.rows = 3, .past = 6, .heads = 2}},
      {"head-of-40", "5 queries, heads of 40", {.rows = 5, .head_dim = 40, .rise = 1}},
      {"window", "9 queries, a window of 4", {.rows = 9, .head_dim = 64, .window = 4}},
      {"window-past", "4 queries after 20, a window of 6", {.rows = 4, .past = 20, .window = 6}},
      {"low", "7 queries, scores around -20000", {.rows = 7, .head_dim = 96, .lift = -20000}},
      {"wide", "9 queries of 2 heads of 128", {.rows = 9, .heads = 2, .head_dim = 128, .rise = 0.5}},
      {"bounds",
       "4 queries, a head of 40, nothing behind the arrays",
       {.rows = 4, .head_dim = 40, .bounded = true}}};
  return check;
}

FunctionCheck<PromptInput, PromptResult> tiled_attention_check() {
  auto check = prompt_check("tiled_attention", "attention of a prompt with tiles of queries, keys and values",
                            prompt_tile_rows, prompt_tile_keys);
  check.cases = {
      {"tile", "16 queries, 16 keys, heads of 64", {.rows = 16, .head_dim = 64}},
      {"two-tiles", "64 queries, scores growing by 0.1 a key", {.rows = 64, .head_dim = 64, .rise = 0.1}},
      {"few", "5 queries", {.rows = 5, .head_dim = 64}},
      {"ragged",
       "39 queries, heads of 48, scores growing by 0.5 a key",
       {.rows = 39, .head_dim = 48, .rise = 0.5}},
      {"heads", "33 queries, 6 heads, 2 key/value heads", {.rows = 33, .heads = 6, .kv_heads = 2}},
      {"past", "7 queries after 41, heads of 42", {.rows = 7, .past = 41, .head_dim = 42}},
      {"window", "70 queries, a window of 9", {.rows = 70, .head_dim = 64, .window = 9}},
      {"window-past",
       "32 queries after 50, a window of 4",
       {.rows = 32, .past = 50, .head_dim = 64, .window = 4}},
      {"low", "40 queries, scores around -20000", {.rows = 40, .head_dim = 64, .lift = -20000}},
      {"masked-above", "20 queries, scores growing by 150 a key", {.rows = 20, .head_dim = 64, .rise = 150}}};
  return check;
}

}  // namespace rung::check
