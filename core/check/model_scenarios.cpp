#include "core/check/model_scenarios.h"

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/check/error_kind.h"
#include "core/check/random.h"
#include "core/error.h"

namespace rung::check {
namespace {

using Answers = std::vector<TextAnswer>;
using Tokens = std::vector<std::int32_t>;

Answers whole(Stage& stage, const CheckTexts& texts, PointWatch* watch) {
  Answers answers;
  for (std::size_t i = 0; i < texts.tokens.size(); ++i) {
    Feeder feeder(stage);
    PointWatch* const trace = i == 0 ? watch : nullptr;
    if (trace) trace->expect(0, std::ssize(texts.tokens[i]));
    feeder.feed(0, texts.tokens[i], 0, trace);
    answers.push_back({i, feeder.drop(0)});
  }
  return answers;
}

Answers chunks(Stage& stage, const Tokens& text, std::size_t size, PointWatch* watch,
               std::int64_t max_batch = 0) {
  Feeder feeder(stage, max_batch);
  while (feeder.length(0) < text.size()) {
    const std::size_t count = std::min(size, text.size() - feeder.length(0));
    if (watch) watch->expect(static_cast<std::int64_t>(feeder.length(0)), static_cast<std::int64_t>(count));
    feeder.feed(0, text, count, watch);
  }
  return {{0, feeder.drop(0)}};
}

/// Three sequences that start at different times; in every step each of them gets nothing, one token
/// (decode), or up to 17 (prefill), and their order in the batch changes.
Answers ragged(Stage& stage, const CheckTexts& texts, PointWatch*) {
  constexpr std::array<SequenceId, 3> ids{7, 3, 5};
  Feeder feeder(stage);
  Random random(1);
  const auto done = [&](std::size_t i) { return feeder.length(ids[i]) == texts.tokens[i].size(); };
  for (std::size_t step = 0; !(done(0) && done(1) && done(2)); ++step) {
    std::vector<Feeder::Part> parts;
    for (std::size_t place = 0; place < ids.size(); ++place) {
      const std::size_t i = (place + step) % ids.size();
      if (done(i) || step < 2 * i) continue;
      const std::int64_t kind = random.below(4);
      const auto count = static_cast<std::size_t>(kind == 0 ? 0 : kind == 1 ? 2 + random.below(16) : 1);
      if (count > 0) parts.push_back({.sequence = ids[i], .text = texts.tokens[i], .count = count});
    }
    if (!parts.empty()) feeder.feed(parts);
  }
  Answers answers;
  for (std::size_t i = 0; i < ids.size(); ++i) answers.push_back({i, feeder.drop(ids[i])});
  return answers;
}

Answers every_third_row(Stage& stage, const CheckTexts& texts, PointWatch*) {
  const Tokens& text = texts.tokens.front();
  Feeder feeder(stage);
  while (feeder.length(0) < text.size()) {
    const Feeder::Part part{.sequence = 0, .text = text, .count = 2};
    feeder.feed({&part, 1}, nullptr, 3);
  }
  return {{0, feeder.drop(0)}};
}

/// After the fork both go on in the same batches; then the first one ends, another text takes its place, and
/// the fork goes on.
Answers forked(Stage& stage, const CheckTexts& texts, PointWatch*) {
  const Tokens& first = texts.tokens.front();
  const Tokens& other = texts.tokens.back();
  Answers answers;
  Feeder feeder(stage);
  feeder.feed(0, first, static_cast<std::size_t>(texts.common));
  feeder.fork(0, 1);
  for (int step = 0; step < 3; ++step) {
    const std::array<Feeder::Part, 2> both{Feeder::Part{.sequence = 0, .text = first, .count = 3},
                                           Feeder::Part{.sequence = 1, .text = other, .count = 2}};
    feeder.feed(both);
  }
  feeder.feed(0, first);
  answers.push_back({0, feeder.drop(0)});
  feeder.feed(2, texts.tokens[2]);
  answers.push_back({2, feeder.drop(2)});
  feeder.feed(1, other);
  answers.push_back({texts.tokens.size() - 1, feeder.drop(1)});
  return answers;
}

/// A sequence that is cut and goes on differently, and one that is cut to nothing.
Answers truncated(Stage& stage, const CheckTexts& texts, PointWatch*) {
  const Tokens& other = texts.tokens.back();
  Answers answers;
  Feeder feeder(stage);
  feeder.feed(0, texts.tokens.front());
  feeder.truncate(0, texts.common);
  while (feeder.length(0) < other.size()) feeder.feed(0, other, 6);
  answers.push_back({texts.tokens.size() - 1, feeder.drop(0)});

  feeder.feed(0, texts.tokens[1]);
  feeder.truncate(0, 0);
  feeder.feed(0, texts.tokens[2]);
  answers.push_back({2, feeder.drop(0)});
  return answers;
}

/// @throws Error (bad_input) unless forward() refuses the batch with an Error of that kind and forgets it
void must_refuse(Stage& stage, const Batch& batch, ErrorKind kind, const char* what, SequenceId sequence) {
  const std::int32_t before = stage.sequences().length(sequence);
  bool refused = false;
  try {
    stage.forward(batch);
  } catch (const Error& error) {
    refused = error.kind() == kind;
    if (!refused) {
      throw Error(ErrorKind::bad_input, "{} is refused with Error ({}), not with Error ({}){}{}", what,
                  kind_name(error.kind()), kind_name(kind), its_own_words, error.what());
    }
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_input, "{} ends with an exception that is no Error, not with Error ({}){}{}",
                what, kind_name(kind), its_own_words, error.what());
  }
  if (!refused) throw Error(ErrorKind::bad_input, "{} is not refused", what);
  const std::int32_t after = stage.sequences().length(sequence);
  if (after != before) {
    throw Error(ErrorKind::bad_input, "{} is refused, but the sequence then has {} positions, not {}", what,
                after, before);
  }
}

/// A text whose first part is followed by batches that cannot be run.
Answers refused(Stage& stage, const CheckTexts& texts, PointWatch*) {
  const Tokens& text = texts.tokens[2];
  Feeder feeder(stage);
  const auto one = [](std::int32_t token, std::int32_t position) {
    return Row{.token = token, .sequence = 0, .position = position, .wants_logits = true};
  };
  const auto vocab = static_cast<std::int32_t>(stage.config().vocab);

  // A sequence that was cut to nothing is still known, also when the batch that followed was refused.
  feeder.feed(0, text, 4);
  feeder.truncate(0, 0);
  must_refuse(stage, {{one(vocab, 0)}}, ErrorKind::usage, "a token outside the vocabulary", 0);
  feeder.fork(0, 1);
  feeder.drop(1);

  feeder.feed(0, text, 4);
  must_refuse(stage, {{one(text[4], 4), one(vocab, 5)}}, ErrorKind::usage, "a token outside the vocabulary",
              0);
  must_refuse(stage, {{one(-1, 4)}}, ErrorKind::usage, "a negative token", 0);
  must_refuse(stage, {{one(text[4], 5)}}, ErrorKind::usage, "a position that leaves a hole", 0);
  must_refuse(stage, {{one(text[3], 3)}}, ErrorKind::usage, "a position that is taken", 0);
  Batch endless;
  const Tokens many(texts.tokens.front().size(), text[0]);
  endless.add(0, 4, many, Batch::Logits::last);
  must_refuse(stage, endless, ErrorKind::full, "a sequence longer than max_positions", 0);

  // What a refused batch of a new sequence took is given back: where there is room for one, another one gets it.
  for (SequenceId other = 1; other + 1 < scenario_sequences; ++other) feeder.feed(other, text, 1);
  constexpr SequenceId never = scenario_sequences, next = never + 1;
  const char* const what = "a token outside the vocabulary in a new sequence";
  must_refuse(stage, {{{.token = vocab, .sequence = never, .position = 0, .wants_logits = true}}},
              ErrorKind::usage, what, never);
  try {
    feeder.feed(next, text, 1);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::full) throw;
    throw Error(ErrorKind::bad_input,
                "{} is refused, but the room that it took is not given back: there is none for the next one",
                what);
  }
  feeder.drop(next);
  for (SequenceId other = 1; other + 1 < scenario_sequences; ++other) feeder.drop(other);

  feeder.feed(0, text);
  return {{2, feeder.drop(0)}};
}

// Windows: what a stage may forget.

/// Feeds a text until `end`, in pieces of `sizes` in turn.
void feed_pieces(Feeder& feeder, SequenceId sequence, const Tokens& text, std::size_t end,
                 const std::vector<std::size_t>& sizes) {
  for (std::size_t i = 0; feeder.length(sequence) < end; ++i) {
    feeder.feed(sequence, text, std::min(sizes[i % sizes.size()], end - feeder.length(sequence)));
  }
}

Answers window_longest(Stage& stage, const CheckTexts& texts, PointWatch* watch, std::size_t most) {
  return chunks(stage, texts.tokens.front(), most, watch, static_cast<std::int64_t>(most));
}

Answers window_decode(Stage& stage, const CheckTexts& texts, PointWatch*, std::size_t most) {
  Feeder feeder(stage, static_cast<std::int64_t>(most));
  const Tokens& text = texts.tokens.front();
  feed_pieces(feeder, 0, text, text.size(), {1});
  return {{0, feeder.drop(0)}};
}

/// Two sequences in the same batches, with pieces of all lengths, so that every place of the ring is a piece's first.
Answers window_pieces(Stage& stage, const CheckTexts& texts, PointWatch*, std::size_t most) {
  Feeder feeder(stage, static_cast<std::int64_t>(most));
  const Tokens& first = texts.tokens.front();
  const Tokens& other = texts.tokens.back();
  for (std::size_t step = 0; feeder.length(4) < first.size() || feeder.length(6) < other.size(); ++step) {
    std::vector<Feeder::Part> parts;
    if (feeder.length(4) < first.size())
      parts.push_back({.sequence = 4, .text = first, .count = step % most + 1});
    if (step > 1 && feeder.length(6) < other.size())
      parts.push_back({.sequence = 6, .text = other, .count = most - step % most});
    feeder.feed(parts);
  }
  Answers answers;
  answers.push_back({0, feeder.drop(4)});
  answers.push_back({texts.tokens.size() - 1, feeder.drop(6)});
  return answers;
}

Answers window_forked(Stage& stage, const CheckTexts& texts, PointWatch*, std::size_t most) {
  Feeder feeder(stage, static_cast<std::int64_t>(most));
  const Tokens& first = texts.tokens.front();
  const Tokens& other = texts.tokens.back();
  feed_pieces(feeder, 0, first, static_cast<std::size_t>(texts.common), {most, 1});
  feeder.fork(0, 1);
  while (feeder.length(0) < first.size() || feeder.length(1) < other.size()) {
    const std::array<Feeder::Part, 2> both{Feeder::Part{.sequence = 0, .text = first, .count = most},
                                           Feeder::Part{.sequence = 1, .text = other, .count = 2}};
    feeder.feed(both);
  }
  Answers answers;
  answers.push_back({0, feeder.drop(0)});
  answers.push_back({texts.tokens.size() - 1, feeder.drop(1)});
  return answers;
}

/// Cut by as much as the longest batch brought, less one, wherever in the ring that is; then on with the other text.
Answers window_truncated(Stage& stage, const CheckTexts& texts, PointWatch*, std::size_t most) {
  Answers answers;
  const Tokens& other = texts.tokens.back();
  for (const std::size_t further : {most - 1, std::size_t{1}}) {
    Feeder feeder(stage, static_cast<std::int64_t>(most));
    const auto common = static_cast<std::size_t>(texts.common);
    feed_pieces(feeder, 0, texts.tokens.front(), common + further, {most});
    feeder.truncate(0, texts.common);
    feed_pieces(feeder, 0, other, other.size(), {most, 2});
    answers.push_back({texts.tokens.size() - 1, feeder.drop(0)});
  }
  return answers;
}

/// Whether a call is refused as wrong usage.
/// @throws Error, any other
bool refuses(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return true;
  }
  return false;
}

/// What a ring cannot do is refused and leaves no trace; a stage that keeps all does it, and rightly.
Answers window_refused(Stage& stage, const CheckTexts& texts, PointWatch*, std::size_t most) {
  Answers answers;
  const Tokens& first = texts.tokens.front();
  const Tokens& other = texts.tokens.back();
  const auto common = static_cast<std::size_t>(texts.common);
  // One row too many in a batch.
  {
    Feeder feeder(stage, static_cast<std::int64_t>(most));
    feed_pieces(feeder, 0, other, common, {most});
    Batch batch;
    batch.add(0, texts.common, std::span(other).subspan(common, most + 1), Batch::Logits::last);
    const bool refused = refuses([&] { stage.forward(batch); });
    const std::int32_t length = stage.sequences().length(0);
    if (refused && length != texts.common) {
      throw Error(ErrorKind::bad_input,
                  "a batch that is too long is refused, but the sequence then has {} positions", length);
    }
    if (!refused) stage.sequences().truncate(0, texts.common);
    feed_pieces(feeder, 0, other, other.size(), {most});
    answers.push_back({texts.tokens.size() - 1, feeder.drop(0)});
  }
  // Cut to where the window of the next row has been overwritten, and to nothing, which is always possible.
  Feeder feeder(stage, static_cast<std::int64_t>(most));
  feed_pieces(feeder, 0, first, first.size(), {most, 1});
  if (refuses([&] { stage.sequences().truncate(0, texts.common); })) {
    if (const std::int32_t length = stage.sequences().length(0);
        length != static_cast<std::int32_t>(first.size())) {
      throw Error(ErrorKind::bad_input,
                  "a cut that is too deep is refused, but the sequence then has {} positions", length);
    }
  } else {
    feeder.truncate(0, texts.common);
    feed_pieces(feeder, 0, other, other.size(), {most});
    answers.push_back({texts.tokens.size() - 1, feeder.drop(0)});
    feed_pieces(feeder, 0, first, common, {most});
  }
  feeder.truncate(0, 0);
  feed_pieces(feeder, 0, other, other.size(), {most});
  answers.push_back({texts.tokens.size() - 1, feeder.drop(0)});
  return answers;
}

}  // namespace

std::vector<Scenario> window_scenarios(std::int32_t max_batch) {
  const auto with = [max_batch](Answers (*run)(Stage&, const CheckTexts&, PointWatch*, std::size_t)) {
    return [run, max_batch](Stage& stage, const CheckTexts& texts, PointWatch* watch) {
      return run(stage, texts, watch, static_cast<std::size_t>(max_batch));
    };
  };
  return {
      {"window batch", fmt::format("a text in the longest batches, of {}", max_batch), with(window_longest)},
      {"window decode", "one token at a time, far past the window", with(window_decode)},
      {"window pieces", "two texts in the same batches, in pieces of all lengths", with(window_pieces)},
      {"window fork", "a fork and its original go on past the window", with(window_forked)},
      {"window cut", fmt::format("cut by {} and by 1, and on with another text", max_batch - 1),
       with(window_truncated)},
      {"window refuse", "too long a batch and too deep a cut are refused, or done rightly",
       with(window_refused)},
  };
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  all.push_back({"whole", "four texts, each in one batch", whole});
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    all.push_back({fmt::format("chunks of {}", size), "the longest text, in pieces",
                   [size](Stage& stage, const CheckTexts& texts, PointWatch* watch) {
                     return chunks(stage, texts.tokens.front(), size, watch);
                   }});
  }
  all.push_back({"batch", "three texts in ragged batches, prefill and decode mixed", ragged});
  all.push_back({"some rows", "batches of 2 in which every third position wants logits", every_third_row});
  all.push_back({"fork", "a forked sequence and its original go on in the same batches", forked});
  all.push_back({"truncate", "a sequence is cut and goes on with another text", truncated});
  all.push_back({"refusals", "batches that cannot be run are refused and leave no trace", refused});
  return all;
}

}  // namespace rung::check
