#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
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

/// Which matrices' rows are taken to stand one right behind another.
struct Adjacent {
  bool q = false, keys = false, values = false, out = false;
};

/// What a wrong variant does otherwise.
struct SpansVariant {
  bool first_key_ignored = false;    ///< key row s is at position s
  bool first_key_added = false;      ///< the distance of query and key is counted from the other end
  bool first_query_ignored = false;  ///< query row t is at position t
  bool last_positions = false;       ///< the queries are at the last of the keys' positions
  bool window_of_rows = false;       ///< the window is the last W rows of the keys, whoever asks
  bool first_part_only = false;      ///< every sequence has the span of the first
  bool added = false;                ///< out is added to
  std::int64_t newest = 0;           ///< no more keys than this are looked at
  Adjacent adjacent = {};
};

/// Rows of `width` as they are found where they lie `gap` apart and are taken to be adjacent.
std::vector<double> taken_as_adjacent(const std::vector<double>& rows, std::int64_t gap) {
  std::vector<double> memory;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    memory.push_back(rows[i]);
    if ((i + 1) % width == 0)
      memory.insert(memory.end(), static_cast<std::size_t>(gap), AttentionSpansInput::before);
  }
  memory.resize(rows.size());
  return memory;
}

/// What one call writes: [queries, width].
std::vector<double> attend(const AttentionSpansInput& input, std::size_t i, const SpansVariant& variant) {
  const Part& part = input.parts[i];
  oracle::AttentionMask mask = mask_of(variant.first_part_only ? input.parts.front() : part);
  if (variant.first_key_ignored) mask.first_position = part.first_query;
  if (variant.first_key_added) mask.first_position = part.first_query + part.first_key;
  if (variant.first_query_ignored) mask.first_position = -part.first_key;
  if (variant.last_positions) mask.first_position = part.keys - part.queries;
  std::int64_t hidden = 0;  // oldest keys that are not looked at
  if (variant.window_of_rows && part.window) {
    hidden = std::max<std::int64_t>(0, part.keys - *part.window);
    if (hidden > 0) mask.window.reset();
  }
  if (variant.newest > 0) hidden = std::max<std::int64_t>(0, part.keys - variant.newest);
  mask.first_position -= hidden;

  std::vector<double> q(static_cast<std::size_t>(part.queries * width), 0.0);
  for (std::size_t at = 0; at < q.size(); at += head_dim) q[at] = input.query;
  std::vector<double> keys = span_keys(input, i);
  std::vector<double> values = span_values(input, i);
  if (variant.adjacent.q) q = taken_as_adjacent(q, input.gaps.q);
  if (variant.adjacent.keys) keys = taken_as_adjacent(keys, input.gaps.keys);
  if (variant.adjacent.values) values = taken_as_adjacent(values, input.gaps.values);
  const auto seen = static_cast<std::size_t>(hidden * width);
  std::vector<double> out(q.size());
  oracle::attention({part.queries, part.keys - hidden, heads, heads, head_dim}, mask,
                    1 / std::sqrt(static_cast<double>(head_dim)), q, std::span(keys).subspan(seen),
                    std::span(values).subspan(seen), out);
  return out;
}

std::vector<double> run(const AttentionSpansInput& input, const SpansVariant& variant) {
  const auto apart = static_cast<std::size_t>(width + input.gaps.out);  // where a row of the output begins
  std::vector<double> all;
  for (std::size_t i = 0; i < input.parts.size(); ++i) {
    const std::vector<double> out = attend(input, i, variant);
    const std::size_t first = all.size();
    all.resize(first + static_cast<std::size_t>(input.parts[i].queries) * apart, AttentionSpansInput::before);
    for (std::size_t at = 0; at < out.size(); ++at) {
      const std::size_t row = at / width * (variant.adjacent.out ? width : apart);
      all[first + row + at % width] = variant.added ? out[at] + AttentionSpansInput::before : out[at];
    }
  }
  return all;
}

FunctionMistake<AttentionSpansInput, std::vector<double>> mistake(std::string name, std::string sentence,
                                                                  SpansVariant variant) {
  return {std::move(name), std::move(sentence),
          [variant](const AttentionSpansInput& input) { return run(input, variant); }};
}

}  // namespace

std::vector<double> span_keys(const AttentionSpansInput& input, std::size_t part) {
  const Part& of = input.parts[part];
  const oracle::AttentionMask mask = mask_of(of);
  std::vector<double> keys;
  for (std::int64_t s = 0; s < of.keys; ++s) {
    bool seen = false;
    for (std::int64_t t = 0; t < of.queries; ++t) seen = seen || mask.sees(t, s);
    // The mean of positions alone would not tell 4 from 3, 4 and 5: their squares do.
    const auto position = static_cast<double>(of.first_key + s);
    const double sequence = 10 * static_cast<double>(part);
    for (const double number : {position, position * position, sequence + position, -position * position}) {
      keys.push_back(seen ? number : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return keys;
}

std::vector<double> span_values(const AttentionSpansInput& input, std::size_t part) {
  // Of the first positions each has its own, the others have one together.
  constexpr std::int64_t told_apart = 64;
  const std::int64_t before = input.parts[part].first_key;
  std::vector<double> values = span_keys(input, part);
  for (std::size_t at = 0; at < values.size(); ++at) {
    const std::int64_t row = static_cast<std::int64_t>(at) / width;
    if (before + row > told_apart)
      values[at] = values[static_cast<std::size_t>((told_apart - before) * width) + at % width];
  }
  return values;
}

FunctionCheck<AttentionSpansInput, std::vector<double>> attention_spans_check() {
  FunctionCheck<AttentionSpansInput, std::vector<double>> check;
  check.name = "attention_spans";
  check.chapter = 3;
  check.what =
      "the mean of the values that each query sees (q = 0, 2 heads, D = 2), for any span of positions, "
      "sequence by sequence, and for rows that lie apart; keys that no query sees hold NaN";
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
      {"long",
       "1 query at position 4502, 4500 keys from position 3, the oldest of which has all the weight",
       {.parts = {{.queries = 1, .keys = 4500, .first_query = 4502, .first_key = 3}}, .query = -1000}},
      {"rows-apart",
       "4 queries from position 0, 4 keys from position 0, the newest of which has all the weight; the rows "
       "of q, keys, values and out lie 3, 1, 2 and 5 numbers apart (outer strides of 7, 5, 6 and 9)",
       {.parts = {{.queries = 4, .keys = 4}},
        .query = 1000,
        .gaps = {.q = 3, .keys = 1, .values = 2, .out = 5}}},
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
      mistake("newest_keys_only",
              "only a fixed number of the newest keys looked at; without a window a query sees all before it",
              {.newest = 1024}),
      mistake("row_strides_ignored",
              "rows taken to stand one right behind another; a view's rows are outerStride() numbers apart",
              {.adjacent = {.q = true, .keys = true, .values = true, .out = true}}),
      mistake("input_strides_ignored",
              "rows of q, keys and values taken to stand one right behind another; a view's rows are "
              "outerStride() numbers apart",
              {.adjacent = {.q = true, .keys = true, .values = true}}),
      mistake("kv_strides_ignored",
              "rows of keys and values taken to stand one right behind another; a view's rows are "
              "outerStride() numbers apart",
              {.adjacent = {.keys = true, .values = true}}),
      mistake("q_stride_ignored",
              "q's rows taken to stand one right behind another; they are q.outerStride() numbers apart",
              {.adjacent = {.q = true}}),
      mistake("keys_stride_ignored",
              "the rows of keys taken to stand one right behind another; they are keys.outerStride() "
              "numbers apart",
              {.adjacent = {.keys = true}}),
      mistake("values_stride_ignored",
              "the rows of values taken to stand one right behind another; they are values.outerStride() "
              "numbers apart",
              {.adjacent = {.values = true}}),
      mistake("out_stride_ignored",
              "out's rows written one right behind another; they are out.outerStride() numbers apart",
              {.adjacent = {.out = true}}),
  };
  check.same = [](const std::vector<double>& found, const std::vector<double>& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
