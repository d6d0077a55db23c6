#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/measure/gemm.h"
#include "core/measure/roofline.h"
#include "core/stage/stage.h"

namespace rung {

/// What a stage does in the runs that are timed, on token ids that stand for a text (their values do not
/// change the work). All in sequence 0, alone.
struct SpeedRuns {
  std::int32_t prompt = 8;     ///< tokens remembered when decoding starts
  std::int32_t decode = 64;    ///< tokens decoded one by one, greedily
  std::int32_t prefill = 512;  ///< tokens of the prompt that is timed, in one batch

  /// The longest sequence there will be.
  std::int32_t positions() const { return std::max(prompt + decode, prefill); }
};

/// `runs`, shortened where a model was made for less.
/// @throws Error (usage) for a context below 16
SpeedRuns fit_to_context(SpeedRuns runs, std::int64_t context);

/// A time, and the work that was done at the least.
struct Timed {
  double seconds = 0;
  measure::Work work;
};
/// Decodes runs.decode tokens after a prompt of runs.prompt, whose own time does not count.
Timed time_decode(Stage& stage, const SpeedRuns& runs);

/// Decodes `count` tokens behind `past` positions that were never computed: they are reserved and committed, and hold
/// what the stage's store begins with, copied into memory of their own. Decoding reads them all the same. A stage that
/// remembers nothing, and so runs its past again, has none to run: what this times is then not its decoding.
/// @param stage  with room for two sequences: the copy is made by a fork
/// @throws Error (full) when they do not fit the stage's room
Timed time_decode_after(Stage& stage, std::int32_t past, std::int32_t count);

/// Seconds of one batch of runs.prefill tokens with logits of the last, and the work that took at the least.
Timed time_prefill(Stage& stage, const SpeedRuns& runs);

/// Seconds from opening `model` to the first new token after a prompt of runs.prompt tokens: what somebody
/// waits for after pressing return. The file is in the system's page cache after the first time.
double time_to_first_token(const std::filesystem::path& model, const StageInfo& stage,
                           const StageOptions& options, const SpeedRuns& runs);

}  // namespace rung
