#include <cmath>
#include <limits>
#include <utility>

#include "core/check/functions/attention.h"
#include "core/check/functions/show.h"
#include "core/oracle/attention.h"

namespace rung::check {
namespace {

using Part = AttentionSpansInput::Part;

constexpr std::int64_t heads = AttentionSpansInput::heads;
constexpr std::int64_t head_dim = AttentionSpansInput::head_dim;
constexpr std::int64_t width = heads * head_dim;

oracle::AttentionMask mask_of(const Part& part) {
  return {.causal = true, .window = part.window, .first_position = part.first_query - part.first_key};
}

/// What a wrong variant does otherwise.
struct SpansVariant {
  bool first_key_ignored = false;    ///< key row s is at position s
  bool first_key_added = false;      ///< the distance of query and key is counted from the other end
  bool first_query_ignored = false;  ///< query row t is at position t
  bool last_positions = false;       ///< the queries are at the last of the keys' positions
  bool window_of_rows = false;       ///< the window is the last W rows of the keys, whoever asks
  bool first_part_only = false;      ///< every sequence has the span of the first
  bool added = false;                ///< out is added to
};

std::vector<double> run(const AttentionSpansInput& input, const SpansVariant& variant) {
  std::vector<double> all;
  for (std::size_t i = 0; i < input.parts.size(); ++i) {
    const Part& part = input.parts[i];
    oracle::AttentionMask mask = mask_of(variant.first_part_only ? input.parts.front() : part);
    if (variant.first_key_ignored) mask.first_position = part.first_query;
    if (variant.first_key_added) mask.first_position = part.first_query + part.first_key;
    if (variant.first_query_ignored) mask.first_position = -part.first_key;
    if (variant.last_positions) mask.first_position = part.keys - part.queries;
    const std::vector<double> values = span_values(input, i);
    std::vector<double> q(static_cast<std::size_t>(part.queries * width), 0.0);
    std::vector<double> out(q.size());
    if (variant.window_of_rows && part.window && *part.window < part.keys) {
      const std::int64_t hidden = part.keys - *part.window;
      mask.window.reset();
      mask.first_position -= hidden;
      oracle::attention({part.queries, *part.window, heads, heads, head_dim}, mask, 1, q,
                        std::span(values).subspan(static_cast<std::size_t>(hidden * width)),
                        std::span(values).subspan(static_cast<std::size_t>(hidden * width)), out);
    } else {
      oracle::attention({part.queries, part.keys, heads, heads, head_dim}, mask, 1, q, values, values, out);
    }
    for (const double number : out)
      all.push_back(variant.added ? number + AttentionSpansInput::before : number);
  }
  return all;
}

FunctionMistake<AttentionSpansInput, std::vector<double>> mistake(std::string name, std::string sentence,
                                                                  SpansVariant variant) {
  return {std::move(name), std::move(sentence),
          [variant](const AttentionSpansInput& input) { return run(input, variant); }};
}

}  // namespace

std::vector<double> span_values(const AttentionSpansInput& input, std::size_t part) {
  const Part& of = input.parts[part];
  const oracle::AttentionMask mask = mask_of(of);
  std::vector<double> values;
  for (std::int64_t s = 0; s < of.keys; ++s) {
    bool seen = false;
    for (std::int64_t t = 0; t < of.queries; ++t) seen = seen || mask.sees(t, s);
    // The mean of positions alone would not tell 4 from 3, 4 and 5: their squares do.
    const auto position = static_cast<double>(of.first_key + s);
    const double sequence = 10 * static_cast<double>(part);
    for (const double number : {position, position * position, sequence + position, -position * position}) {
      values.push_back(seen ? number : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return values;
}

FunctionCheck<AttentionSpansInput, std::vector<double>> attention_spans_check() {
  FunctionCheck<AttentionSpansInput, std::vector<double>> check;
  check.name = "attention_spans";
  check.chapter = 3;
  check.what =
      "the mean of the values that each query sees (q = 0, 2 heads, D = 2), for any span of positions, "
      "sequence by "
      "sequence; keys that no query sees hold NaN";
  check.cases = {
      {"prompt", "3 queries from position 0, 3 keys from position 0", {{{.queries = 3, .keys = 3}}}},
      {"decode",
       "1 query at position 4, 5 keys from position 0",
       {{{.queries = 1, .keys = 5, .first_query = 4}}}},
      {"chunk",
       "2 queries from position 3, 5 keys from position 0",
       {{{.queries = 2, .keys = 5, .first_query = 3}}}},
      {"late-keys",
       "2 queries from position 6, 3 keys from position 5: the first does not see the last key",
       {{{.queries = 2, .keys = 3, .first_query = 6, .first_key = 5}}}},
      {"one-gone",
       "5 queries from position 2, 6 keys from position 1",
       {{{.queries = 5, .keys = 6, .first_query = 2, .first_key = 1}}}},
      {"before-the-keys",
       "4 queries from position 3, 3 keys from position 5: the first two see nothing and give 0",
       {{{.queries = 4, .keys = 3, .first_query = 3, .first_key = 5}}}},
      {"behind-the-keys",
       "2 queries from position 20, 3 keys from position 10: both see all three",
       {{{.queries = 2, .keys = 3, .first_query = 20, .first_key = 10}}}},
      {"window",
       "window 3: 1 query at position 9, 3 keys from position 7",
       {{{.queries = 1, .keys = 3, .first_query = 9, .first_key = 7, .window = 3}}}},
      {"window-chunk",
       "window 3: 3 queries from position 9, 5 keys from position 7",
       {{{.queries = 3, .keys = 5, .first_query = 9, .first_key = 7, .window = 3}}}},
      {"window-older-keys",
       "window 2: 1 query at position 9, 6 keys from position 4, of which it sees the last two",
       {{{.queries = 1, .keys = 6, .first_query = 9, .first_key = 4, .window = 2}}}},
      {"window-passed",
       "window 3: 2 queries from position 12, 3 keys from position 8: the second sees nothing and gives 0",
       {{{.queries = 2, .keys = 3, .first_query = 12, .first_key = 8, .window = 3}}}},
      {"sequences",
       "a batch of three sequences: 2 queries from 0 and 2 keys from 0; 1 query at 5, 6 keys from 0; 2 "
       "queries from 8, "
       "4 keys from 6",
       {{{.queries = 2, .keys = 2},
         {.queries = 1, .keys = 6, .first_query = 5},
         {.queries = 2, .keys = 4, .first_query = 8, .first_key = 6}}}},
      {"decodes",
       "a batch of two sequences, window 4: 1 query at 3, 4 keys from 0; 1 query at 11, 4 keys from 8",
       {{{.queries = 1, .keys = 4, .first_query = 3, .window = 4},
         {.queries = 1, .keys = 4, .first_query = 11, .first_key = 8, .window = 4}}}},
  };
  check.oracle = [](const AttentionSpansInput& input) { return run(input, {}); };
  check.mistakes = {
      mistake("first_key_ignored",
              "row s of the keys taken to be at position s; it is at first_key + s, for old keys may be gone",
              {.first_key_ignored = true}),
      mistake("first_key_added",
              "first_key counted in the wrong direction; the row of position p is p - first_key",
              {.first_key_added = true}),
      mistake("first_query_ignored",
              "row t of the queries taken to be at position t; it is at first_query + t",
              {.first_query_ignored = true}),
      mistake("queries_taken_as_last",
              "the queries taken to stand at the last of the keys' positions; they may stand behind or "
              "before them",
              {.last_positions = true}),
      mistake("window_of_rows",
              "the window taken as the last W rows of the keys for every query; each query has its own W "
              "positions",
              {.window_of_rows = true}),
      mistake("first_span_for_all",
              "every sequence computed with the span of the first; each call has its own",
              {.first_part_only = true}),
      mistake("output_added_to", "the result added to what out holds before the call; overwrite it",
              {.added = true}),
  };
  check.same = [](const std::vector<double>& found, const std::vector<double>& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
