#include "core/stage/token_sequences.h"

#include "core/error.h"

namespace rung {

void TokenSequences::History::cut(std::int32_t new_length) {
  tokens.resize(static_cast<std::size_t>(new_length));
  std::erase_if(starts, [&](std::int64_t start) { return start >= new_length; });
  length = new_length;
}

std::optional<Plan> TokenSequences::reserve(const Batch& batch) {
  Plan plan = plan_rows(batch);
  for (const SequencePlan& sequence : plan.sequences) check_continues(sequence, length(sequence.sequence));
  std::size_t unknown = 0;
  for (SequencePlan& sequence : plan.sequences) {
    if (sequence.length() > options_.max_positions) return std::nullopt;
    sequence.is_new = !histories_.contains(sequence.sequence);
    unknown += sequence.is_new ? 1 : 0;
  }
  if (histories_.size() + unknown > static_cast<std::size_t>(options_.max_sequences)) return std::nullopt;

  for (const SequencePlan& sequence : plan.sequences) {
    History& history = histories_[sequence.sequence];
    history.starts.push_back(sequence.past);
    const auto first = static_cast<std::size_t>(sequence.first_row);
    for (std::size_t row = first; row < first + static_cast<std::size_t>(sequence.rows); ++row) {
      history.tokens.push_back(batch.rows[row].token);
    }
  }
  return plan;
}

void TokenSequences::commit(const Plan& plan) {
  for (const SequencePlan& sequence : plan.sequences) {
    histories_.at(sequence.sequence).length = sequence.length();
  }
}

void TokenSequences::abort(const Plan& plan) {
  for (const SequencePlan& sequence : plan.sequences) {
    if (sequence.is_new) {
      drop(sequence.sequence);
    } else {
      histories_.at(sequence.sequence).cut(sequence.past);
    }
  }
}

std::int32_t TokenSequences::length(SequenceId sequence) const {
  const auto found = histories_.find(sequence);
  return found == histories_.end() ? 0 : found->second.length;
}

void TokenSequences::fork(SequenceId from, SequenceId to) {
  check_known(from, histories_.contains(from));
  if (from == to) return;
  if (!histories_.contains(to) && histories_.size() >= static_cast<std::size_t>(options_.max_sequences)) {
    throw Error(ErrorKind::full, "fork of sequence {}: all {} sequences are taken", from,
                options_.max_sequences);
  }
  histories_[to] = histories_.at(from);
  histories_[to].cut(length(from));
}

void TokenSequences::truncate(SequenceId sequence, std::int32_t new_length) {
  check_truncation(sequence, length(sequence), new_length);
  if (const auto found = histories_.find(sequence); found != histories_.end()) found->second.cut(new_length);
}

void TokenSequences::drop(SequenceId sequence) {
  histories_.erase(sequence);
}

std::span<const std::int32_t> TokenSequences::tokens(SequenceId sequence) const {
  return histories_.at(sequence).tokens;
}

std::span<const std::int64_t> TokenSequences::starts(SequenceId sequence) const {
  return histories_.at(sequence).starts;
}

}  // namespace rung
