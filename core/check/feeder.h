#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/check/model_mistakes.h"
#include "core/stage/stage.h"

namespace rung::check {

/// A text as a stage got it, and its answers to every position.
struct Answer {
  Feeding feeding;
  std::vector<std::vector<float>> logits;  ///< one per position; empty where none were asked for
};

/// Feeds texts to a stage in pieces, several in one batch, and keeps what it answered and how it was fed.
class Feeder {
 public:
  /// @param stage      must outlive the feeder
  /// @param max_batch  see Feeding
  explicit Feeder(Stage& stage, std::int64_t max_batch = 0) : stage_(&stage), max_batch_(max_batch) {}

  /// The next `count` tokens of `text` (all that are left when there are fewer) after those that the sequence
  /// has already got.
  struct Part {
    SequenceId sequence = 0;
    std::span<const std::int32_t> text;
    std::size_t count = 0;
  };
  /// Runs the parts as one batch. Every `every`-th row wants logits, counted by its position.
  void feed(std::span<const Part> parts, Trace* trace = nullptr, std::int32_t every = 1);
  /// One part; all of the text when `count` is 0.
  void feed(SequenceId sequence, std::span<const std::int32_t> text, std::size_t count = 0,
            Trace* trace = nullptr);

  /// The stage's fork(); the answers so far are copied too.
  void fork(SequenceId from, SequenceId to);
  /// The stage's truncate(); the answers behind `length` are forgotten.
  void truncate(SequenceId sequence, std::int32_t length);
  /// Makes the stage forget the sequence.
  /// @return what it answered
  Answer drop(SequenceId sequence);

  /// Tokens that the sequence has got.
  std::size_t length(SequenceId sequence) const;

 private:
  Stage* stage_;
  std::int64_t max_batch_;
  std::map<SequenceId, Answer> answers_;
};

}  // namespace rung::check
