#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/grouped.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Input = KvPiecesInput;
using Numbers = std::vector<double>;

/// What a wrong variant does otherwise.
struct Habits {
  enum class Head { grouped, modulo, first, over_g, own } head = Head::grouped;
  enum class Pieces { all, first, last, averaged, from_zero, each_from_the_first } pieces = Pieces::all;
  std::int64_t window_longer = 0, sees_later = 0;
  bool window_ignored = false, window_of_first_query = false, causality_ignored = false,
       newest_of_first_query = false;
  bool first_query_ignored = false, queries_last = false;
  bool values_from_keys = false, keys_of_query_head = false;
  bool unseen_values_read = false, nothing_seen_is_nan = false;
  bool added = false, nothing_seen_untouched = false;
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::int64_t all_rows(const Input& input) {
  return std::accumulate(input.rows.begin(), input.rows.end(), std::int64_t{0});
}

/// @param first  position of the first query
bool sees(const Input& input, const Habits& habits, std::int64_t first, std::int64_t t, std::int64_t key) {
  const std::int64_t newest = first + (habits.newest_of_first_query ? 0 : t);
  if (!habits.causality_ignored && key > newest + habits.sees_later) return false;
  const std::int64_t position = first + (habits.window_of_first_query ? 0 : t);
  return !input.window || habits.window_ignored || key > position - *input.window - habits.window_longer;
}

std::int64_t head_of(const Input& input, Habits::Head kind, std::int64_t h) {
  switch (kind) {
    case Habits::Head::modulo:
      return h % input.kv_heads;
    case Habits::Head::first:
      return 0;
    case Habits::Head::over_g:
      return h / input.kv_heads;
    case Habits::Head::own:
      return h;
    case Habits::Head::grouped:
      break;
  }
  return h / (input.heads / input.kv_heads);
}

/// What one query head gets: the sum of the values it sees, and how many they are.
struct Sum {
  Numbers values;
  double count = 0;
};

Sum sum_of(const Input& input, const Habits& habits, const Numbers& values, std::int64_t t, std::int64_t g,
           std::size_t from, std::size_t to) {
  std::int64_t first_query = input.first_query;
  if (habits.first_query_ignored) first_query = 0;
  if (habits.queries_last) first_query = input.first_key + all_rows(input) - input.queries;
  Sum sum{.values = Numbers(static_cast<std::size_t>(input.head_dim), 0.0)};
  std::int64_t row = 0;
  for (std::size_t piece = 0; piece < input.rows.size(); ++piece) {
    for (std::int64_t s = 0; s < input.rows[piece]; ++s, ++row) {
      std::int64_t key = input.first_key + row;
      if (habits.pieces == Habits::Pieces::from_zero) key = row;
      if (habits.pieces == Habits::Pieces::each_from_the_first) key = input.first_key + s;
      if (piece < from || piece >= to || !sees(input, habits, first_query, t, key)) continue;
      for (std::int64_t d = 0; d < input.head_dim; ++d) {
        // Columns beyond the last head are somebody else's.
        sum.values[static_cast<std::size_t>(d)] +=
            g >= input.kv_heads
                ? nan
                : values[static_cast<std::size_t>((row * input.kv_heads + g) * input.head_dim + d)];
      }
      ++sum.count;
    }
  }
  return sum;
}

Numbers run(const Input& input, const Habits& habits) {
  using Pieces = Habits::Pieces;
  const Numbers values = habits.values_from_keys ? piece_keys(input) : piece_values(input);
  const bool unseen =
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  Numbers out;
  for (std::int64_t t = 0; t < input.queries; ++t) {
    for (std::int64_t h = 0; h < input.heads; ++h) {
      const std::int64_t g = head_of(input, habits.head, h);
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
      const bool spoiled = (seen > 0 && habits.keys_of_query_head && h >= input.kv_heads) ||
                           (seen > 0 && habits.unseen_values_read && unseen) ||
                           (seen == 0 && habits.nothing_seen_is_nan && count > 0);
      for (const double number : found) {
        const double before =
            habits.added || (habits.nothing_seen_untouched && seen == 0) ? KvPiecesInput::before : 0;
        out.push_back(spoiled ? nan : number + before);
      }
    }
  }
  return out;
}

std::string difference(const Input& input, const Numbers& found, const Numbers& expected) {
  return first_wrong_number(found, expected, 1e-6, [&](std::size_t index) {
    const auto i = static_cast<std::int64_t>(index);
    const std::int64_t t = i / (input.heads * input.head_dim), h = i / input.head_dim % input.heads;
    return fmt::format("query {} (position {}), query head {} (key/value head {}), number {}", t,
                       input.first_query + t, h, h / (input.heads / input.kv_heads), i % input.head_dim);
  });
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

std::vector<FunctionCase<Input>> cases() {
  return {
      {"prompt",
       "H 6, G 3, D 2: 3 queries from position 0, one piece of 3 keys from position 0; heads 0 and 1 use "
       "key/value head 0, 2 and 3 use 1, 4 and 5 use 2",
       {.queries = 3, .first_query = 0, .first_key = 0, .rows = {3}}},
      {"multi-query",
       "H 3, G 1, D 2: 2 queries from position 0, one piece of 2 keys; all heads use key/value head 0, there "
       "is no other",
       {.heads = 3, .kv_heads = 1, .queries = 2, .rows = {2}}},
      {"multi-head",
       "H = G = 3, D 2: 2 queries from position 0, one piece of 2 keys; each head uses one of its own",
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
       "H 8, G 2, D 3, window 5: 4 queries from position 6, pieces of 3, 2 and 3 keys from position 2",
       {.heads = 8,
        .kv_heads = 2,
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
      {"many-stored-heads",
       "H 80, G 40, D 1 (as many stored heads as Llama 2 13B): 2 queries from position 0, one piece of 2 "
       "keys",
       {.heads = 80, .kv_heads = 40, .head_dim = 1, .queries = 2, .rows = {2}}},
      {"many-query-heads",
       "H 71, G 1, D 1 (Falcon 7B): 2 queries from position 0, one piece of 2 keys",
       {.heads = 71, .kv_heads = 1, .head_dim = 1, .queries = 2, .rows = {2}}},
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
      seen = seen || sees(input, {}, input.first_query, t, key);
    // Squares, so that the mean of 4 is not that of 3, 4 and 5; and each head and place has its own.
    for (std::int64_t i = 0; i < input.kv_heads * input.head_dim; ++i)
      values.push_back(seen ? static_cast<double>(key * key + 100 * i) : nan);
  }
  return values;
}

Numbers piece_keys(const Input& input) {
  Numbers keys = piece_values(input);
  for (double& key : keys) key = -key;
  return keys;
}

FunctionCheck<Input, Numbers> kv_pieces_check() {
  using Head = Habits::Head;
  using Pieces = Habits::Pieces;
  FunctionCheck<Input, Numbers> check;
  check.name = "kv_pieces";
  check.chapter = 7;
  check.what =
      "the mean of the values that each query head sees (q = 0), with keys and values in several pieces; "
      "what "
      "no query sees holds NaN";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake("h_modulo_g", "query head h uses key/value head h % G; it is h / (H / G): neighbours share",
              {.head = Head::modulo}),
      mistake("first_head_for_all",
              "all query heads use key/value head 0; H / G neighbours share one, the next ones the next",
              {.head = Head::first}),
      mistake("h_over_g",
              "query head h uses key/value head h / G; it is h / (H / G): H / G is how many share one",
              {.head = Head::over_g}),
      mistake(
          "heads_not_shared",
          "query head h uses columns h · D of the values, as if there were H of them; it is key/value head "
          "h / (H / G)",
          {.head = Head::own}),
      mistake("keys_not_shared",
              "query head h uses columns h · D of the keys, as if there were H of them; it is key/value head "
              "h / (H / G)",
              {.keys_of_query_head = true}),
      mistake("values_from_keys", "what is summed are the keys; they give the scores, and values are summed",
              {.values_from_keys = true}),
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
      mistake("window_of_first_query",
              "the oldest position is that of the first query for every row; each query has its own window",
              {.window_of_first_query = true}),
      mistake("newest_of_first_query",
              "every row sees up to the position of the first query; each sees up to its own",
              {.newest_of_first_query = true}),
      mistake("later_keys_seen", "a query sees all keys behind its own position; it sees none of them",
              {.causality_ignored = true}),
      mistake("unseen_values_read",
              "values that no query sees get the weight 0 and are added all the same: 0 · NaN is NaN; leave "
              "them out",
              {.unseen_values_read = true}),
      mistake("unseen_values_read_everywhere",
              "values that are not seen get the weight 0 and are added all the same, also where nothing is "
              "seen: 0 · NaN is NaN; leave them out",
              {.unseen_values_read = true, .nothing_seen_is_nan = true}),
      mistake("nothing_seen_is_nan", "a query that sees nothing gives NaN; it gives 0",
              {.nothing_seen_is_nan = true}),
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
  check.difference_in = difference;
  return check;
}

}  // namespace rung::check
