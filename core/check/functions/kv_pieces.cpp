#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/check/functions/grouped.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Input = KvPiecesInput;
using Numbers = std::vector<double>;

/// What a wrong variant does otherwise.
struct Habits {
  enum class Head { grouped, modulo, first } head = Head::grouped;
  enum class Pieces { all, first, last, averaged, from_zero, each_from_the_first } pieces = Pieces::all;
  std::int64_t window_longer = 0, sees_later = 0;
  bool window_ignored = false, first_query_ignored = false, queries_last = false;
  bool added = false, nothing_seen_untouched = false;
};

std::int64_t all_rows(const Input& input) {
  return std::accumulate(input.rows.begin(), input.rows.end(), std::int64_t{0});
}

bool sees(const Input& input, const Habits& habits, std::int64_t query, std::int64_t key) {
  if (key > query + habits.sees_later) return false;
  return !input.window || habits.window_ignored || key > query - *input.window - habits.window_longer;
}

/// What one query head gets: the sum of the values it sees, and how many they are.
struct Sum {
  Numbers values;
  double count = 0;
};

Sum sum_of(const Input& input, const Habits& habits, const Numbers& values, std::int64_t t, std::int64_t g,
           std::size_t from, std::size_t to) {
  std::int64_t query = input.first_query + t;
  if (habits.first_query_ignored) query = t;
  if (habits.queries_last) query = input.first_key + all_rows(input) - input.queries + t;
  Sum sum{.values = Numbers(static_cast<std::size_t>(input.head_dim), 0.0)};
  std::int64_t row = 0;
  for (std::size_t piece = 0; piece < input.rows.size(); ++piece) {
    for (std::int64_t s = 0; s < input.rows[piece]; ++s, ++row) {
      std::int64_t key = input.first_key + row;
      if (habits.pieces == Habits::Pieces::from_zero) key = row;
      if (habits.pieces == Habits::Pieces::each_from_the_first) key = input.first_key + s;
      if (piece < from || piece >= to || !sees(input, habits, query, key)) continue;
      for (std::int64_t d = 0; d < input.head_dim; ++d) {
        sum.values[static_cast<std::size_t>(d)] +=
            values[static_cast<std::size_t>((row * input.kv_heads + g) * input.head_dim + d)];
      }
      ++sum.count;
    }
  }
  return sum;
}

Numbers run(const Input& input, const Habits& habits) {
  using Pieces = Habits::Pieces;
  const Numbers values = piece_values(input);
  Numbers out;
  for (std::int64_t t = 0; t < input.queries; ++t) {
    for (std::int64_t h = 0; h < input.heads; ++h) {
      const std::int64_t g = habits.head == Habits::Head::grouped  ? h / (input.heads / input.kv_heads)
                             : habits.head == Habits::Head::modulo ? h % input.kv_heads
                                                                   : 0;
      const std::size_t count = input.rows.size();
      std::vector<std::pair<std::size_t, std::size_t>> parts{{0, count}};
      if (habits.pieces == Pieces::first) parts = {{0, 1}};
      if (habits.pieces == Pieces::last && count > 0) parts = {{count - 1, count}};
      if (habits.pieces == Pieces::averaged) {
        parts.clear();
        for (std::size_t i = 0; i < count; ++i) parts.emplace_back(i, i + 1);
      }
      Numbers found(static_cast<std::size_t>(input.head_dim), 0.0);
      double seen = 0;
      for (const auto& [from, to] : parts) {
        const Sum sum = sum_of(input, habits, values, t, g, from, to);
        seen += sum.count;
        for (std::size_t d = 0; d < found.size(); ++d)
          found[d] += sum.count > 0 ? sum.values[d] / sum.count : 0;
      }
      for (const double number : found) {
        const double before =
            habits.added || (habits.nothing_seen_untouched && seen == 0) ? KvPiecesInput::before : 0;
        out.push_back(number + before);
      }
    }
  }
  return out;
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

std::vector<FunctionCase<Input>> cases() {
  return {
      {"prompt",
       "H 4, G 2, D 2: 3 queries from position 0, one piece of 3 keys from position 0",
       {.queries = 3, .first_query = 0, .first_key = 0, .rows = {3}}},
      {"multi-query",
       "H 3, G 1, D 2: 2 queries from position 0, one piece of 2 keys",
       {.heads = 3, .kv_heads = 1, .queries = 2, .rows = {2}}},
      {"multi-head",
       "H = G = 3, D 2: 2 queries from position 0, one piece of 2 keys",
       {.heads = 3, .kv_heads = 3, .queries = 2, .rows = {2}}},
      {"decode",
       "1 query at position 7, pieces of 5 and 3 keys from position 0",
       {.queries = 1, .first_query = 7, .rows = {5, 3}}},
      {"later-keys",
       "1 query at position 9, pieces of 3 and 2 keys from position 5",
       {.queries = 1, .first_query = 9, .first_key = 5, .rows = {3, 2}}},
      {"straddling",
       "window 4: 3 queries from position 7, whose own keys are in both pieces: 4 keys from 4, 2 from 8",
       {.queries = 3, .first_query = 7, .first_key = 4, .rows = {4, 2}, .window = 4}},
      {"older-piece",
       "window 2: 1 query at position 9, pieces of 4 and 3 keys from position 3: it sees none of the first",
       {.queries = 1, .first_query = 9, .first_key = 3, .rows = {4, 3}, .window = 2}},
      {"later-piece",
       "1 query at position 4, pieces of 3 and 4 keys from position 0: it does not see the last two",
       {.queries = 1, .first_query = 4, .rows = {3, 4}}},
      {"window-one",
       "window 1: 3 queries from position 4, pieces of 1 and 2 keys from position 4: each sees itself",
       {.queries = 3, .first_query = 4, .first_key = 4, .rows = {1, 2}, .window = 1}},
      {"empty-piece",
       "1 query at position 4, pieces of 2, 0 and 3 keys from position 0",
       {.queries = 1, .first_query = 4, .rows = {2, 0, 3}}},
      {"wide",
       "H 6, G 3, D 3, window 5: 4 queries from position 6, pieces of 3, 2 and 3 keys from position 2",
       {.heads = 6,
        .kv_heads = 3,
        .head_dim = 3,
        .queries = 4,
        .first_query = 6,
        .first_key = 2,
        .rows = {3, 2, 3},
        .window = 5}},
      {"before-the-keys",
       "3 queries from position 1, pieces of 2 and 1 keys from position 3: the first two see nothing and "
       "give 0",
       {.queries = 3, .first_query = 1, .first_key = 3, .rows = {2, 1}}},
      {"behind-the-keys",
       "2 queries from position 20, pieces of 2 and 2 keys from position 3: both see all four",
       {.queries = 2, .first_query = 20, .first_key = 3, .rows = {2, 2}}},
      {"window-passed",
       "window 3: 1 query at position 9, pieces of 2 and 2 keys from position 3: it sees nothing and gives 0",
       {.queries = 1, .first_query = 9, .first_key = 3, .rows = {2, 2}, .window = 3}},
      {"no-keys", "2 queries, no pieces: both give 0", {.queries = 2, .rows = {}}},
  };
}

}  // namespace

Numbers piece_values(const Input& input) {
  Numbers values;
  for (std::int64_t row = 0; row < all_rows(input); ++row) {
    bool seen = false;
    const std::int64_t key = input.first_key + row;
    for (std::int64_t t = 0; t < input.queries; ++t)
      seen = seen || sees(input, {}, input.first_query + t, key);
    // Squares, so that the mean of 4 is not that of 3, 4 and 5; and each head and place has its own.
    for (std::int64_t i = 0; i < input.kv_heads * input.head_dim; ++i) {
      values.push_back(seen ? static_cast<double>(key * key + 100 * i)
                            : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return values;
}

FunctionCheck<Input, Numbers> kv_pieces_check() {
  using Head = Habits::Head;
  using Pieces = Habits::Pieces;
  FunctionCheck<Input, Numbers> check;
  check.name = "kv_pieces";
  check.chapter = 7;
  check.what =
      "the mean of the values that each query head sees (q = 0), with keys and values in several pieces; "
      "keys "
      "that no query sees hold NaN";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake("h_modulo_g", "query head h uses key/value head h % G; it is h / (H / G): neighbours share",
              {.head = Head::modulo}),
      mistake("first_head_for_all",
              "all query heads use key/value head 0; H / G neighbours share one, the next ones the next",
              {.head = Head::first}),
      mistake("first_piece_alone", "only the first piece is read; what is remembered may be in several",
              {.pieces = Pieces::first}),
      mistake("last_piece_alone", "only the last piece is read; what is remembered may be in several",
              {.pieces = Pieces::last}),
      mistake("softmax_of_each_piece",
              "each piece has a softmax of its own, and their results are added; the weights of all pieces "
              "together sum to 1",
              {.pieces = Pieces::averaged}),
      mistake(
          "pieces_from_zero",
          "the first piece is taken to begin at position 0; it begins at piece.first, for older positions "
          "may be gone",
          {.pieces = Pieces::from_zero}),
      mistake("every_piece_at_the_first",
              "every piece is taken to begin where the first one does; each begins at its own piece.first",
              {.pieces = Pieces::each_from_the_first}),
      mistake("sees_one_more",
              "a query sees W positions before its own; its own counts, so it sees W - 1 before it",
              {.window_longer = 1}),
      mistake("sees_one_less", "a query sees W - 2 positions before its own; it sees W - 1 before it",
              {.window_longer = -1}),
      mistake("window_not_used", "the window is not looked at: a query sees all that is kept",
              {.window_ignored = true}),
      mistake("own_key_masked", "a query does not see its own position", {.sees_later = -1}),
      mistake("later_key_seen", "a query sees the position after its own", {.sees_later = 1}),
      mistake("first_query_ignored",
              "row t of the queries taken to be at position t; it is at first_query + t",
              {.first_query_ignored = true}),
      mistake("queries_taken_as_last",
              "the queries taken to stand at the last of the keys' positions; they may stand behind or "
              "before them",
              {.queries_last = true}),
      mistake("output_added_to", "the result added to what out holds before the call; overwrite it",
              {.added = true}),
      mistake("nothing_seen_not_written", "the row of a query that sees nothing is left as it was; it is 0",
              {.nothing_seen_untouched = true}),
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
