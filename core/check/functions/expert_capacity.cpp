#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "core/check/functions/routing.h"

namespace rung::check {
namespace {

using Input = CapacityInput;
using Result = SegmentsResult;
using Rule = Input::Rule;
using Numbers = std::vector<double>;

/// What people get wrong. The defaults are right.
struct Habits {
  bool rounded_down = false, k_forgotten = false;
  bool row_after_row = false, last_come = false, one_too_many = false, renormalised = false,
       to_the_next = false;
  bool over_rows = false, ties_to_later = false, by_score = false, in_order_of_score = false;
};

Result room(const Input& input, const Habits& habits) {
  if (!(input.factor > 0) || input.used < 1 || input.used > input.experts) return {.refused = "usage"};
  const double routes = static_cast<double>(input.rows * (habits.k_forgotten ? 1 : input.used));
  const double even = routes / static_cast<double>(input.experts) * input.factor;
  return {.offsets = {static_cast<std::int64_t>(habits.rounded_down ? std::floor(even) : std::ceil(even))}};
}

Result within(const Input& input, const Habits& habits) {
  if (input.capacity < 1) return {.refused = "usage"};
  const std::int64_t capacity = input.capacity + (habits.one_too_many ? 1 : 0);
  std::vector<std::int64_t> order(input.chosen.size());  // in which routes ask for room
  std::iota(order.begin(), order.end(), 0);
  if (!habits.row_after_row) {
    std::ranges::sort(order, [&](std::int64_t a, std::int64_t b) {
      return std::pair(a % input.used, a) < std::pair(b % input.used, b);
    });
  }
  if (habits.last_come) std::ranges::reverse(order);
  std::vector<std::int64_t> expert_of(input.chosen.size(), -1),
      counts(static_cast<std::size_t>(input.experts));
  for (const std::int64_t i : order) {
    std::int64_t e = input.chosen[static_cast<std::size_t>(i)];
    if (habits.to_the_next && counts[static_cast<std::size_t>(e)] >= capacity) e = (e + 1) % input.experts;
    if (counts[static_cast<std::size_t>(e)] >= capacity) continue;
    ++counts[static_cast<std::size_t>(e)];
    expert_of[static_cast<std::size_t>(i)] = e;
  }
  const auto weight = [&](std::int64_t i) { return std::ldexp(1, -static_cast<int>(i % input.used) - 1); };
  Result result{.offsets = {0}, .rows = input.rows};
  for (std::int64_t e = 0; e < input.experts; ++e) {
    for (std::int64_t i = 0; i < std::ssize(input.chosen); ++i) {
      if (expert_of[static_cast<std::size_t>(i)] != e) continue;
      double kept = 0;
      for (std::int64_t j = i / input.used * input.used; j < (i / input.used + 1) * input.used; ++j)
        kept += expert_of[static_cast<std::size_t>(j)] >= 0 ? weight(j) : 0;
      result.row_of.push_back(i / input.used);
      result.weight_of.push_back(habits.renormalised ? weight(i) / kept : weight(i));
    }
    result.offsets.push_back(std::ssize(result.row_of));
  }
  return result;
}

Result choice(const Input& input, const Habits& habits) {
  if (input.capacity < 1 || input.capacity > input.rows) return {.refused = "usage"};
  const auto score = [&](std::int64_t t, std::int64_t e) {
    return input.scores[static_cast<std::size_t>(t * input.experts + e)];
  };
  const auto weight = [&](std::int64_t t, std::int64_t e) {
    double sum = 0;
    if (habits.over_rows) {
      for (std::int64_t other = 0; other < input.rows; ++other)
        sum += std::exp(score(other, e) - score(t, e));
    } else {
      for (std::int64_t other = 0; other < input.experts; ++other)
        sum += std::exp(score(t, other) - score(t, e));
    }
    return 1 / sum;
  };
  Result result{.offsets = {0}, .rows = input.rows};
  for (std::int64_t e = 0; e < input.experts; ++e) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(input.rows));
    std::iota(rows.begin(), rows.end(), 0);
    std::ranges::sort(rows, [&](std::int64_t a, std::int64_t b) {
      const double of_a = habits.by_score ? score(a, e) : weight(a, e);
      const double of_b = habits.by_score ? score(b, e) : weight(b, e);
      if (of_a != of_b) return of_a > of_b;
      return habits.ties_to_later ? a > b : a < b;
    });
    rows.resize(static_cast<std::size_t>(input.capacity));
    if (!habits.in_order_of_score) std::ranges::sort(rows);
    for (const std::int64_t t : rows) {
      result.row_of.push_back(t);
      result.weight_of.push_back(weight(t, e));
    }
    result.offsets.push_back(std::ssize(result.row_of));
  }
  return result;
}

Result run(const Input& input, const Habits& habits) {
  switch (input.rule) {
    case Rule::room:
      return room(input, habits);
    case Rule::within:
      return within(input, habits);
    case Rule::choice:
      break;
  }
  return choice(input, habits);
}

FunctionMistake<Input, Result> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

Input room_of(std::int64_t rows, std::int64_t experts, std::int64_t used, double factor) {
  return {.rule = Rule::room, .rows = rows, .experts = experts, .used = used, .factor = factor};
}

Input routes(std::int64_t experts, std::int64_t used, std::int64_t capacity,
             std::vector<std::int64_t> chosen) {
  return {.rule = Rule::within,
          .rows = std::ssize(chosen) / used,
          .experts = experts,
          .used = used,
          .capacity = capacity,
          .chosen = std::move(chosen)};
}

Input to_choose(std::int64_t experts, std::int64_t capacity, Numbers scores) {
  return {.rule = Rule::choice,
          .rows = std::ssize(scores) / experts,
          .experts = experts,
          .capacity = capacity,
          .scores = std::move(scores)};
}

std::vector<FunctionCase<Input>> cases() {
  return {
      {"room-even", "expert_capacity: 8 rows, E 4, k 1, factor 1", room_of(8, 4, 1, 1)},
      {"room-uneven", "expert_capacity: 9 rows, E 4, k 1, factor 1", room_of(9, 4, 1, 1)},
      {"room-k", "expert_capacity: 8 rows, E 4, k 2, factor 1.25", room_of(8, 4, 2, 1.25)},
      {"room-one-row", "expert_capacity: 1 row, E 8, k 2, factor 1", room_of(1, 8, 2, 1)},
      {"room-none", "expert_capacity: factor 0: refused", room_of(8, 4, 2, 0)},
      {"fits", "segments_within: E 2, k 1, room for 2: rows to 1, 0, 1", routes(2, 1, 2, {1, 0, 1})},
      {"dropped", "segments_within: E 2, k 1, room for 2: rows to 1, 1, 0, 1: the last is dropped",
       routes(2, 1, 2, {1, 1, 0, 1})},
      {"first-choices",
       "segments_within: E 3, k 2, room for 1: rows to 0 and 1, 1 and 2: the first choice of "
       "row 1 comes before the second of row 0",
       routes(3, 2, 1, {0, 1, 1, 2})},
      {"nothing-left",
       "segments_within: E 4, k 2, room for 1: both rows to 3 and 0: nothing is left of row 1",
       routes(4, 2, 1, {3, 0, 3, 0})},
      {"many", "segments_within: E 4, k 2, room for 3: 6 rows",
       routes(4, 2, 3, {0, 1, 0, 2, 0, 3, 0, 1, 1, 0, 2, 0})},
      {"no-room", "segments_within: room for 0: refused", routes(2, 1, 0, {0, 1})},
      {"choice", "expert_choice: E 2, 2 rows each, of the scores 2, 0 and 1, 0 and 0, 0 and 0, 3",
       to_choose(2, 2, {2, 0, 1, 0, 0, 0, 0, 3})},
      {"choice-sure-rows",
       "expert_choice: E 2, 1 row each: row 1 has the higher score of expert 0, row 0 the "
       "higher share",
       to_choose(2, 1, {1, 0, 2, 3})},
      {"choice-ties", "expert_choice: E 2, 1 row each: all scores 0", to_choose(2, 1, {0, 0, 0, 0, 0, 0})},
      {"choice-order", "expert_choice: E 3, 2 rows each: the better of two rows is the later one",
       to_choose(3, 2, {1, 0, 2, 3, 1, 0, -1, 2, 2.5})},
      {"choice-all", "expert_choice: E 2, all 2 rows each", to_choose(2, 2, {1, 0, 0, 2})},
      {"choice-too-many", "expert_choice: 3 of 2 rows: refused", to_choose(2, 3, {1, 0, 0, 2})},
  };
}

}  // namespace

FunctionCheck<Input, Result> expert_capacity_check() {
  FunctionCheck<Input, Result> check;
  check.name = "expert_capacity";
  check.chapter = 9;
  check.what = "experts with room for so many rows and no more: what is dropped, and experts that choose";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake("room_rounded_down", "the room is rounded down, so that not even an even load fits; round up",
              {.rounded_down = true}),
      mistake("room_without_k", "the room is counted for one expert a row; each row goes to k",
              {.k_forgotten = true}),
      mistake(
          "row_after_row",
          "the routes of a row ask for room one after another; first choices of all rows come before second "
          "ones",
          {.row_after_row = true}),
      mistake("last_come", "the last to come finds room; the first does", {.last_come = true}),
      mistake("one_too_many", "an expert takes one row more than it has room for", {.one_too_many = true}),
      mistake("renormalised_after_dropping",
              "the weights that are left of a row are made to sum to 1 again; they stay as they are",
              {.renormalised = true}),
      mistake("dropped_to_the_next", "what finds no room goes to the next expert; it is dropped",
              {.to_the_next = true}),
      mistake("softmax_over_rows",
              "expert choice: the softmax is over the rows; it is over the experts of one row",
              {.over_rows = true}),
      mistake("chosen_by_score",
              "expert choice: rows are chosen by score; they are chosen by their share of the row's softmax",
              {.by_score = true}),
      mistake("ties_to_the_later", "expert choice: of equal rows the later is chosen; the earlier is",
              {.ties_to_later = true}),
      mistake("rows_by_share", "expert choice: rows stand in the order of their share; they rise",
              {.in_order_of_score = true}),
  };
  check.same = expert_segments_check().same;
  check.show = expert_segments_check().show;
  return check;
}

}  // namespace rung::check
