#include "chapters/05_sampling/continuation.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"

namespace rung {

namespace {

std::span<const float> row_of(const Matrix& logits) {
  return {logits.data(), static_cast<std::size_t>(logits.cols())};
}

}  // namespace

Continuation continue_sequence(Stage& stage, Sampler& sampler, const ContinuationRequest& request,
                               std::vector<std::int32_t>& history,
                               const std::function<void(std::int32_t)>& on_token) {
  if (request.new_tokens.empty()) {
    throw Error(ErrorKind::usage, "sequence {}: expected at least one token to run first, found none",
                request.sequence);
  }
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  Continuation result;
  std::int32_t position = stage.sequences().length(request.sequence);

  // Prefill: only the last row of the last chunk needs logits.
  const auto start = Clock::now();
  Matrix logits;
  for (std::size_t done = 0; done < request.new_tokens.size(); done += prefill_chunk) {
    const auto chunk = request.new_tokens.subspan(
        done, std::min<std::size_t>(prefill_chunk, request.new_tokens.size() - done));
    const bool last = done + chunk.size() == request.new_tokens.size();
    Batch batch;
    batch.add(request.sequence, position, chunk, last ? Batch::Logits::last : Batch::Logits::none);
    logits = stage.forward(batch);
    position += static_cast<std::int32_t>(chunk.size());
  }

  // [decode]
  // Decode: one token at a time, each the input of the next step.
  auto first_token = start;
  while (static_cast<std::int64_t>(result.tokens.size()) < request.count) {
    const std::int32_t token = sampler.sample(row_of(logits), history);
    if (result.tokens.empty()) first_token = Clock::now();
    if (std::ranges::find(request.stop_tokens, token) != request.stop_tokens.end()) {
      result.stopped = true;
      break;
    }
    result.tokens.push_back(token);
    history.push_back(token);
    on_token(token);
    if (static_cast<std::int64_t>(result.tokens.size()) == request.count) break;
    Batch step;
    step.add(request.sequence, position++, {&token, 1}, Batch::Logits::last);
    logits = stage.forward(step);
  }
  // [decode]
  result.prefill_seconds = seconds(first_token - start);
  result.decode_seconds = seconds(Clock::now() - first_token);
  return result;
}

}  // namespace rung
