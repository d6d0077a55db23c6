#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "chapters/05_sampling/sampler.h"
#include "core/stage/stage.h"

namespace rung {

/// Rows of a prompt that are run in one batch at most. Longer ones gain nothing in speed, and their activations take
/// memory.
inline constexpr std::int32_t prefill_chunk = 512;

/// What to continue, and when to stop.
struct ContinuationRequest {
  SequenceId sequence = 0;
  std::span<const std::int32_t> new_tokens;  ///< to run first, behind what is remembered; at least one
  std::int64_t count = 0;                    ///< tokens to sample at most
  std::span<const std::int32_t> stop_tokens;
};

/// What happened.
struct Continuation {
  std::vector<std::int32_t> tokens;  ///< sampled, without the stop token
  bool stopped = false;              ///< a stop token was sampled
  double prefill_seconds = 0;        ///< until the first token was sampled
  double decode_seconds = 0;         ///< for all tokens after the first
};

/// The loop around a stage, for one sequence: run the new tokens (prefill, in chunks of at most prefill_chunk rows),
/// sample one, run it (decode), sample the next, … The last sampled token is not run: it is not remembered by
/// the stage.
/// @param history   all tokens of the sequence so far including new_tokens, for the repetition penalty;
///                  sampled tokens are appended
/// @param on_token  called with each token as soon as it is known
/// @throws Error (usage) when there are no new tokens, and what Stage::forward and Sampler::sample throw
Continuation continue_sequence(Stage& stage, Sampler& sampler, const ContinuationRequest& request,
                               std::vector<std::int32_t>& history,
                               const std::function<void(std::int32_t)>& on_token);

}  // namespace rung
