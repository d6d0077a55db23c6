#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/routing.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Input = SegmentsInput;
using Result = SegmentsResult;
using Numbers = std::vector<double>;

/// What people get wrong. The defaults are right.
struct Habits {
  bool ends_for_beginnings = false, counts_for_offsets = false, empty_left_out = false;
  bool row_over_experts = false, row_modulo = false, rows_falling = false, not_sorted = false;
  bool weights_not_sorted = false, first_weight = false;
  bool gathered_by_place = false, combined_by_place = false, not_weighted = false, last_wins = false,
       added_to_before = false, mean = false, others_left = false, rows_left_out = false;
  bool zero_weights_left_out = false;
};

/// One route on its way: where it stands in the routing, and the expert it goes to.
struct Route {
  std::int64_t index, expert;
};

/// Takes out what finds no room: first choices of all rows come before second ones.
void drop(std::vector<Route>& routes, const Input& input) {
  std::ranges::sort(routes, [&](const Route& a, const Route& b) {
    return std::pair(a.index % input.used, a.index) < std::pair(b.index % input.used, b.index);
  });
  std::vector<std::int64_t> taken(static_cast<std::size_t>(input.experts));
  std::erase_if(routes, [&](const Route& route) {
    return ++taken[static_cast<std::size_t>(route.expert)] > input.room;
  });
}

std::vector<Route> sorted(const Input& input, const Habits& habits) {
  std::vector<Route> routes;
  routes.reserve(input.chosen.size());
  for (std::int64_t i = 0; i < std::ssize(input.chosen); ++i)
    routes.push_back({i, input.chosen[static_cast<std::size_t>(i)]});
  if (habits.zero_weights_left_out)
    std::erase_if(routes, [&](const Route& route) {
      return input.weights[static_cast<std::size_t>(route.index)] == 0;
    });
  if (input.room > 0) drop(routes, input);
  if (habits.not_sorted) return routes;
  std::ranges::sort(routes, [&](const Route& a, const Route& b) {
    if (a.expert != b.expert) return a.expert < b.expert;
    return habits.rows_falling ? a.index > b.index : a.index < b.index;
  });
  return routes;
}

std::vector<std::int64_t> offsets_of(const Input& input, const std::vector<Route>& routes,
                                     const Habits& habits) {
  std::vector<std::int64_t> offsets;
  std::int64_t before = 0;
  for (std::int64_t e = 0; e < input.experts; ++e) {
    const std::int64_t count = std::ranges::count(routes, e, &Route::expert);
    if (count > 0 || !habits.empty_left_out) {
      offsets.push_back(habits.counts_for_offsets ? count
                                                  : before + (habits.ends_for_beginnings ? count : 0));
    }
    before += count;
  }
  offsets.push_back(before);
  return offsets;
}

/// Where the segments are given, a mistake in making them is none.
Habits without_segments(Habits habits) {
  return {.gathered_by_place = habits.gathered_by_place,
          .combined_by_place = habits.combined_by_place,
          .not_weighted = habits.not_weighted,
          .last_wins = habits.last_wins,
          .added_to_before = habits.added_to_before,
          .mean = habits.mean,
          .others_left = habits.others_left};
}

Result run(const Input& input, const Habits& all_habits) {
  const Habits habits = input.room > 0 ? without_segments(all_habits) : all_habits;
  const auto routes = sorted(input, habits);
  Result result{.offsets = offsets_of(input, routes, habits),
                .rows = habits.rows_left_out ? 0 : input.rows()};
  std::vector<std::int64_t> expert_at;  // whose segment a place is in
  expert_at.reserve(routes.size());
  for (const Route& route : routes) expert_at.push_back(route.expert);
  std::ranges::sort(expert_at);
  const auto rows = static_cast<std::size_t>(input.rows());
  result.combined.assign(2 * rows, habits.added_to_before ? segments_before : 0);
  for (std::size_t p = 0; p < routes.size(); ++p) {
    const std::int64_t i = routes[p].index;
    std::int64_t row = i / input.used;
    if (habits.row_over_experts) row = i / input.experts;
    if (habits.row_modulo) row = i % input.rows();
    std::int64_t of_weight = i;
    if (habits.weights_not_sorted) of_weight = static_cast<std::int64_t>(p);
    if (habits.first_weight) of_weight = i / input.used * input.used;
    const double weight = input.weights[static_cast<std::size_t>(of_weight)];
    result.row_of.push_back(row);
    result.weight_of.push_back(weight);
    const Numbers gathered =
        segment_row(habits.gathered_by_place ? static_cast<std::int64_t>(p % rows) : row);
    result.gathered.insert(result.gathered.end(), gathered.begin(), gathered.end());
    if (habits.combined_by_place && p >= rows) continue;
    const std::size_t to = habits.combined_by_place ? p : static_cast<std::size_t>(row);
    for (std::size_t n = 0; n < 2; ++n) {
      double part = static_cast<double>(expert_at[p] + 1) * gathered[n];
      if (!habits.not_weighted) part *= weight;
      if (habits.mean) part /= static_cast<double>(input.used);
      double& sum = result.combined[2 * to + n];
      sum = habits.last_wins ? part : sum + part;
    }
  }
  for (std::size_t t = 0; t < rows && habits.others_left; ++t) {
    if (std::ranges::find(result.row_of, static_cast<std::int64_t>(t)) != result.row_of.end()) continue;
    for (std::size_t n = 0; n < 2; ++n) result.combined[2 * t + n] = segments_before;
  }
  // Where places are missing, rows are not asked for.
  if (input.room == 0 && routes.size() < input.chosen.size()) result.gathered = result.combined = {};
  return result;
}

FunctionMistake<Input, Result>::Run wrong(Habits habits) {
  return [habits](const Input& input) { return run(input, habits); };
}

FunctionMistake<Input, Result> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), wrong(habits)};
}

std::vector<FunctionCase<Input>> cases() {
  Input many{.experts = 8, .used = 3, .chosen = {}, .weights = {}};
  for (std::int64_t t = 0; t < 20; ++t) {
    // Three different experts of eight, of which 5 is never one.
    const std::int64_t first = t * 3 % 5;
    for (const std::int64_t e : {(first + 3) % 5, first, 6 + t % 2}) many.chosen.push_back(e);
    for (const double weight : {0.5, 0.3125, 0.1875}) many.weights.push_back(weight);
  }
  return {
      {"one-row", "E 2, k 1: one row, to expert 1", {2, 1, {1}, {0.75}}},
      {"two-rows", "E 2, k 1: rows 0 and 1 to experts 1 and 0", {2, 1, {1, 0}, {0.75, 0.5}}},
      {"top-2",
       "E 4, k 2: row 0 to 3 and 1, row 1 to 1 and 0, row 2 to 3 and 0; none to expert 2",
       {4, 2, {3, 1, 1, 0, 3, 0}, {0.75, 0.25, 0.625, 0.375, 0.5, 0.5}}},
      {"first-empty", "E 3, k 1: 3 rows, none to expert 0", {3, 1, {1, 2, 1}, {1, 0.5, 0.25}}},
      {"last-empty", "E 3, k 1: 3 rows, none to expert 2", {3, 1, {1, 0, 1}, {1, 0.5, 0.25}}},
      {"all-on-one", "E 4, k 1: 3 rows, all to expert 2", {4, 1, {2, 2, 2}, {1, 0.5, 0.25}}},
      {"all-experts",
       "E 3, k 3: 2 rows, each to all experts",
       {3, 3, {2, 0, 1, 1, 2, 0}, {0.5, 0.3125, 0.1875, 0.75, 0.125, 0.125}}},
      {"weights-of-0",
       "E 3, k 2: rows 0 and 1 to 2 and 0, with the weights 1, 0 and 0.75, 0.25: four places",
       {3, 2, {2, 0, 2, 0}, {1, 0, 0.75, 0.25}}},
      {"in-order",
       "E 3, k 3: a row to 2, 0 and 1 with the weights 2^-9, 2^22 and -2^21: 3/512 if summed in the order of "
       "the "
       "experts",
       {3, 3, {2, 0, 1}, {1.0 / 512, 4194304, -2097152}}},
      {"many", "E 8, k 3: 20 rows, none to expert 5", many},
      {"rows-without-a-place",
       "E 4, k 2, segments_within() with room for 1: row 0 to 3 and 0, row 1 to 3 and 1, row 2 to 3 and 0: "
       "row 2 "
       "has no place",
       {4, 2, {3, 0, 3, 1, 3, 0}, {0.75, 0.25, 0.625, 0.375, 0.5, 0.5}, 1}},
  };
}

std::string shown(const Result& result) {
  if (!result.refused.empty()) return fmt::format("refused ({})", result.refused);
  std::string text =
      fmt::format("T {}, offsets [{}], rows [{}], weights {}", result.rows, fmt::join(result.offsets, ", "),
                  fmt::join(result.row_of, ", "), show_numbers(result.weight_of));
  if (!result.combined.empty()) text += ", combined " + show_numbers(result.combined);
  return text;
}

/// The first member that differs, alone: what comes of it differs too.
std::string difference(const Result& found, const Result& expected) {
  if (found.rows != expected.rows)
    return fmt::format("rows: expected {}, found {}", expected.rows, found.rows);
  if (found.offsets != expected.offsets) {
    return fmt::format("offsets: expected [{}], found [{}]", fmt::join(expected.offsets, ", "),
                       fmt::join(found.offsets, ", "));
  }
  if (found.row_of != expected.row_of) {
    return fmt::format("row_of: expected [{}], found [{}]", fmt::join(expected.row_of, ", "),
                       fmt::join(found.row_of, ", "));
  }
  for (const auto& [name, of] : {std::pair{"weight_of", &Result::weight_of},
                                 {"gathered rows", &Result::gathered},
                                 {"combined rows", &Result::combined}}) {
    if (same_weights(found.*of, expected.*of)) continue;
    return fmt::format("{}: expected {}, found {}", name, show_numbers(expected.*of),
                       show_numbers(found.*of));
  }
  return {};
}

}  // namespace

std::vector<double> segment_row(std::int64_t t) {
  return {static_cast<double>(t + 1), static_cast<double>(10 * t + 16)};
}

FunctionCheck<Input, Result> expert_segments_check() {
  FunctionCheck<Input, Result> check;
  check.name = "expert_segments";
  check.chapter = 9;
  check.what = "routes sorted by expert, the rows on their way there, and their results on the way back";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake("ends_for_beginnings", "offsets[e] is where the segment of e ends; it is where it begins",
              {.ends_for_beginnings = true}),
      mistake("counts_for_offsets", "offsets[e] is how many rows e has; it is the sum of those before it",
              {.counts_for_offsets = true}),
      mistake("empty_left_out",
              "an expert without rows has no offset; there are E + 1, and its two are equal",
              {.empty_left_out = true}),
      mistake("row_over_experts", "route i is taken for one of row i / E; each row has k routes: i / k",
              {.row_over_experts = true}),
      mistake("row_modulo",
              "route i is taken for one of row i % T; the k routes of a row are neighbours: i / k",
              {.row_modulo = true}),
      mistake("rows_falling", "within a segment later rows come first; they rise", {.rows_falling = true}),
      mistake("not_sorted", "the places are in the order of the rows; they are in that of the experts",
              {.not_sorted = true}),
      mistake(
          "weights_not_sorted",
          "the weights are in the order of the routing and the rows in that of the experts; each goes with "
          "its row",
          {.weights_not_sorted = true}),
      mistake("weight_of_the_first", "all routes of a row have the weight of the first; each has its own",
              {.first_weight = true}),
      mistake("gathered_by_place", "place p is filled with row p; it is row row_of[p]",
              {.gathered_by_place = true}),
      mistake("combined_by_place", "the result of place p is added to row p; it is added to row row_of[p]",
              {.combined_by_place = true}),
      mistake("not_weighted", "the results are added as they are; each is multiplied by its weight",
              {.not_weighted = true}),
      FunctionMistake<Input, Result>(
          "last_one_wins", "a row is what the last of its experts makes of it; the results are added",
          wrong({.last_wins = true}), {wrong({.last_wins = true, .others_left = true})}),
      mistake("output_added_to", "the results are added to what out holds before the call; begin with 0",
              {.added_to_before = true}),
      mistake("mean_of_experts", "the weighted sum is divided by k; the weights have seen to that",
              {.mean = true}),
      mistake("zero_weights_left_out",
              "a route of weight 0 has no place; there are T · k, whatever the weights",
              {.zero_weights_left_out = true}),
      mistake("rows_left_out", "rows, T, is not set; it is the routing's", {.rows_left_out = true}),
      mistake("others_left_as_they_are",
              "a row without a place keeps what out holds before the call; it is 0: begin with 0 everywhere",
              {.others_left = true}),
  };
  check.same = [](const Result& found, const Result& expected) {
    return found.refused == expected.refused && found.rows == expected.rows &&
           found.offsets == expected.offsets && found.row_of == expected.row_of &&
           same_weights(found.weight_of, expected.weight_of) &&
           same_weights(found.gathered, expected.gathered) && same_weights(found.combined, expected.combined);
  };
  check.show = shown;
  check.difference = difference;
  return check;
}

}  // namespace rung::check
