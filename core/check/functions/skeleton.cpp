#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/show.h"
#include "core/check/functions/transformer.h"
#include "core/oracle/linear.h"
#include "core/oracle/rms_norm.h"
#include "core/oracle/rope.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::int64_t hidden = SkeletonInput::hidden;
constexpr std::int64_t heads = SkeletonInput::heads;
constexpr std::int64_t kv_heads = SkeletonInput::kv_heads;
constexpr std::int64_t head_dim = SkeletonInput::head_dim;
constexpr std::int64_t vocab = SkeletonInput::vocab;

/// What a wrong variant does otherwise.
struct SkeletonVariant {
  double eps = SkeletonInput::norm_eps;
  bool layer_zero = false;     ///< attention is always told that it is layer 0
  bool output_of_all = false;  ///< the output matrix runs on every row
  bool norm_of_all = false;    ///< the trace sees the last norm of every row
  bool logits_of_all = false;  ///< and the logits
  bool none_run = false;       ///< no row is treated as some
  bool norm_always = false;    ///< the trace sees the last norm where no row wants logits, too
};

Numbers applied(SkeletonWeight which, int layer, const Numbers& x) {
  const SkeletonMatrix w = skeleton_weight(which, layer);
  const auto rows = static_cast<std::int64_t>(x.size()) / w.columns;
  Numbers y(static_cast<std::size_t>(rows * w.rows));
  oracle::linear(x, w.values, rows, w.rows, w.columns, y);
  return y;
}

Numbers normed(SkeletonWeight which, int layer, const Numbers& x, double eps) {
  Numbers y(x.size());
  oracle::rms_norm(x, skeleton_weight(which, layer).values, static_cast<std::int64_t>(x.size()) / hidden,
                   hidden, eps, y);
  return y;
}

Numbers turned(Numbers x, std::int64_t of_heads) {
  const std::int64_t rows = static_cast<std::int64_t>(x.size()) / (of_heads * head_dim);
  std::vector<std::int64_t> positions(static_cast<std::size_t>(rows));
  std::iota(positions.begin(), positions.end(), 0);
  oracle::rope(RopeLayout::half_split, oracle::rope_frequencies({}, head_dim), positions, x, of_heads, x);
  return x;
}

/// The residual stream behind the last layer: [rows, hidden].
Numbers through_layers(std::int64_t rows, double eps) {
  Numbers x;
  const SkeletonMatrix table = skeleton_weight(SkeletonWeight::embedding, 0);
  for (std::int64_t t = 0; t < rows; ++t) {
    const auto row = std::span(table.values).subspan(static_cast<std::size_t>(t % vocab * hidden), hidden);
    x.insert(x.end(), row.begin(), row.end());
  }
  for (int layer = 0; layer < SkeletonInput::layers; ++layer) {
    const Numbers input = normed(SkeletonWeight::attention_norm, layer, x, eps);
    const Numbers q = turned(applied(SkeletonWeight::q, layer, input), heads);
    const Numbers k = turned(applied(SkeletonWeight::k, layer, input), kv_heads);
    const Numbers v = applied(SkeletonWeight::v, layer, input);
    Numbers attended;
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t j = 0; j < heads * head_dim; ++j) {
        attended.push_back(skeleton_attention(&q[t * heads * head_dim], &k[t * kv_heads * head_dim],
                                              &v[t * kv_heads * head_dim], j));
      }
    }
    const Numbers projected = applied(SkeletonWeight::o, layer, attended);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += projected[i];
    const Numbers second = normed(SkeletonWeight::feed_forward_norm, layer, x, eps);
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t j = 0; j < hidden; ++j)
        x[t * hidden + j] += skeleton_feed_forward(&second[t * hidden], layer, j);
    }
  }
  return x;
}

SkeletonFacts run(const SkeletonInput& input, const SkeletonVariant& variant) {
  const auto rows = static_cast<std::int64_t>(input.wants.size());
  const std::int64_t wanted = std::count(input.wants.begin(), input.wants.end(), true);
  SkeletonFacts facts{.attention_layers = {0, variant.layer_zero ? 0 : 1},
                      .output_rows = {},
                      .norm_rows = {},
                      .logits_rows = {},
                      .rows = wanted,
                      .columns = vocab,
                      .logits = {}};
  const Numbers x = through_layers(rows, variant.eps);
  Numbers last;
  for (std::int64_t t = 0; t < rows; ++t) {
    if (input.wants[static_cast<std::size_t>(t)])
      last.insert(last.end(), x.begin() + t * hidden, x.begin() + (t + 1) * hidden);
  }
  if (!last.empty()) {
    facts.logits = applied(SkeletonWeight::output, 0, normed(SkeletonWeight::norm, 0, last, variant.eps));
  }
  if (wanted > 0 || variant.none_run) {
    facts.output_rows = {variant.output_of_all ? rows : wanted};
    if (input.traced) {
      facts.norm_rows = {variant.norm_of_all ? rows : wanted};
      facts.logits_rows = {variant.logits_of_all ? rows : wanted};
    }
  } else if (variant.norm_always && input.traced) {
    facts.norm_rows = {rows};
  }
  return facts;
}

FunctionMistake<SkeletonInput, SkeletonFacts> mistake(std::string name, std::string sentence,
                                                      SkeletonVariant variant) {
  return {std::move(name), std::move(sentence),
          [variant](const SkeletonInput& input) { return run(input, variant); }};
}

bool same_facts(const SkeletonFacts& found, const SkeletonFacts& expected) {
  if (found.attention_layers != expected.attention_layers || found.output_rows != expected.output_rows ||
      found.norm_rows != expected.norm_rows || found.logits_rows != expected.logits_rows ||
      found.rows != expected.rows || found.columns != expected.columns ||
      found.logits.size() != expected.logits.size()) {
    return false;
  }
  for (std::size_t i = 0; i < found.logits.size(); ++i) {
    // The logits are below 10, so this is far above fp32's rounding, and far below what eps does to them.
    if (!(std::abs(found.logits[i] - expected.logits[i]) <= 1e-4)) return false;
  }
  return true;
}

std::string rows_of(const std::vector<std::int64_t>& calls, const char* never) {
  return calls.empty() ? never : fmt::format("of {} rows", fmt::join(calls, " and of "));
}

std::string show_facts(const SkeletonFacts& facts) {
  return fmt::format(
      "attention told layers {}, output matrix {}, trace: norm {}, logits {}, returned [{}, {}] {}",
      fmt::join(facts.attention_layers, " "), rows_of(facts.output_rows, "not called"),
      rows_of(facts.norm_rows, "not shown"), rows_of(facts.logits_rows, "not shown"), facts.rows,
      facts.columns, show_numbers(facts.logits));
}

}  // namespace

SkeletonMatrix skeleton_weight(SkeletonWeight which, int layer) {
  SkeletonMatrix matrix{.rows = 1, .columns = hidden, .values = {}};
  switch (which) {
    case SkeletonWeight::embedding:
    case SkeletonWeight::output:
      matrix.rows = vocab;
      break;
    case SkeletonWeight::q:
      matrix.rows = heads * head_dim;
      break;
    case SkeletonWeight::k:
    case SkeletonWeight::v:
      matrix.rows = kv_heads * head_dim;
      break;
    case SkeletonWeight::o:
      matrix.rows = hidden;
      matrix.columns = heads * head_dim;
      break;
    case SkeletonWeight::attention_norm:
    case SkeletonWeight::feed_forward_norm:
    case SkeletonWeight::norm:
      break;
  }
  const int kind = static_cast<int>(which);
  for (std::int64_t i = 0; i < matrix.rows * matrix.columns; ++i) {
    matrix.values.push_back(static_cast<double>((7 * i + 3 * kind * kind + 5 * layer + 1) % 13 - 6) / 8);
  }
  return matrix;
}

FunctionCheck<SkeletonInput, SkeletonFacts> skeleton_check() {
  FunctionCheck<SkeletonInput, SkeletonFacts> check;
  check.name = "skeleton";
  check.chapter = 4;
  check.what =
      "how the transformer calls its parts (two layers, norm_eps 0.5, attention and feed-forward layer of "
      "each row by "
      "itself): for which layers, on how many rows, and what comes of it";
  check.cases = {
      {"all", "3 rows that all want logits", {.wants = {true, true, true}}},
      {"some", "4 rows of which the second and the last want logits", {.wants = {false, true, false, true}}},
      {"untraced",
       "the same without a trace (it is null): nothing but what is shown may hang on it",
       {.wants = {false, true, false, true}, .traced = false}},
      {"none", "3 rows that want no logits: a matrix [0, 3] comes back", {.wants = {false, false, false}}},
      {"none-untraced", "the same without a trace", {.wants = {false, false, false}, .traced = false}},
  };
  check.oracle = [](const SkeletonInput& input) { return run(input, {}); };
  const std::string all_rows =
      "the output matrix run on every row; it is the largest of all, and only the rows that want logits go "
      "through it";
  check.mistakes = {
      mistake("eps_not_the_models",
              "norms with an eps of their own, 1e-5 or so; the model says it: config_.norm_eps",
              {.eps = 1e-5}),
      mistake("layer_zero",
              "attention told that every layer is layer 0; each has its own keys and values in the store",
              {.layer_zero = true}),
      mistake("output_of_all_rows", all_rows, {.output_of_all = true}),
      mistake("output_and_norm_of_all_rows", all_rows, {.output_of_all = true, .norm_of_all = true}),
      mistake("all_rows_to_the_end", all_rows,
              {.output_of_all = true, .norm_of_all = true, .logits_of_all = true}),
      mistake("output_of_all_rows_always", all_rows, {.output_of_all = true, .none_run = true}),
      mistake("output_and_norm_of_all_rows_always", all_rows,
              {.output_of_all = true, .norm_of_all = true, .none_run = true}),
      mistake("all_rows_to_the_end_always", all_rows,
              {.output_of_all = true, .norm_of_all = true, .logits_of_all = true, .none_run = true}),
      mistake("norm_shown_of_all_rows",
              "trace point `norm` shown of every row; it has the rows that want logits, [wanted, hidden]",
              {.norm_of_all = true}),
      mistake("norm_shown_before_rows_are_taken",
              "the last norm made and shown of every row, before those are taken that want logits; trace "
              "point `norm` is "
              "[wanted, hidden], and where no row wants logits it is not shown",
              {.norm_of_all = true, .norm_always = true}),
      mistake("norm_shown_of_all_rows_always",
              "trace point `norm` shown of every row, and the output matrix called where no row wants "
              "logits; `norm` has "
              "the rows that want logits, [wanted, hidden], and where there are none it is not shown",
              {.norm_of_all = true, .none_run = true}),
      mistake("none_wanted_run",
              "the output matrix called and the last points shown where no row wants logits; return a matrix "
              "[0, V] before",
              {.none_run = true}),
  };
  check.same = same_facts;
  check.show = show_facts;
  return check;
}

}  // namespace rung::check
