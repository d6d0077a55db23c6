#include "core/check/feeder.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace rung::check {

void Feeder::feed(std::span<const Part> parts, Trace* trace, std::int32_t every) {
  Batch batch;
  for (const Part& part : parts) {
    Feeding& feeding = answers_[part.sequence].feeding;
    feeding.max_batch = max_batch_;
    const std::size_t first = feeding.tokens.size();
    const auto new_tokens = part.text.subspan(first, std::min(part.count, part.text.size() - first));
    if (new_tokens.empty()) continue;
    batch.add(part.sequence, static_cast<std::int32_t>(first), new_tokens, Batch::Logits::none);
    feeding.starts.push_back(static_cast<std::int64_t>(first));
    feeding.tokens.insert(feeding.tokens.end(), new_tokens.begin(), new_tokens.end());
  }
  for (Row& row : batch.rows) row.wants_logits = row.position % every == every - 1;

  const Matrix logits = stage_->forward(batch, trace);
  if (logits.rows() != batch.wanted() || logits.cols() != stage_->config().vocab) {
    throw Error(ErrorKind::bad_input, "forward(): expected logits [{}, {}], found [{}, {}]", batch.wanted(),
                stage_->config().vocab, logits.rows(), logits.cols());
  }
  Eigen::Index next = 0;
  for (const Row& row : batch.rows) {
    std::vector<float> answer;
    if (row.wants_logits) {
      answer.assign(logits.row(next).data(), logits.row(next).data() + logits.cols());
      ++next;
    }
    answers_[row.sequence].logits.push_back(std::move(answer));
  }
}

void Feeder::feed(SequenceId sequence, std::span<const std::int32_t> text, std::size_t count, Trace* trace) {
  const Part part{.sequence = sequence, .text = text, .count = count == 0 ? text.size() : count};
  feed({&part, 1}, trace);
}

void Feeder::fork(SequenceId from, SequenceId to) {
  stage_->sequences().fork(from, to);
  answers_[to] = answers_[from];
}

void Feeder::truncate(SequenceId sequence, std::int32_t length) {
  stage_->sequences().truncate(sequence, length);
  Answer& answer = answers_[sequence];
  answer.feeding.tokens.resize(static_cast<std::size_t>(length));
  std::erase_if(answer.feeding.starts, [&](std::int64_t start) { return start >= length; });
  answer.logits.resize(static_cast<std::size_t>(length));
}

Answer Feeder::drop(SequenceId sequence) {
  stage_->sequences().drop(sequence);
  Answer answer = std::move(answers_[sequence]);
  answers_.erase(sequence);
  return answer;
}

std::size_t Feeder::length(SequenceId sequence) const {
  const auto found = answers_.find(sequence);
  return found == answers_.end() ? 0 : found->second.feeding.tokens.size();
}

}  // namespace rung::check
