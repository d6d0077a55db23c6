#include "cli/stage_speed.h"

#include "chapters/05_sampling/continuation.h"
#include "core/error.h"
#include "core/measure/clock.h"

namespace rung {
namespace {

constexpr SequenceId sequence = 0;

/// `count` ids spread over the vocabulary.
std::vector<std::int32_t> any_tokens(std::int32_t count, std::int64_t vocab) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int32_t>((13 + 7919 * i) % vocab));
  return tokens;
}

/// Runs a prompt and returns the likeliest next token.
std::int32_t run(Stage& stage, std::int32_t first, std::span<const std::int32_t> tokens) {
  Batch batch;
  batch.add(sequence, first, tokens, Batch::Logits::last);
  const Matrix logits = stage.forward(batch);
  Eigen::Index best = 0;
  logits.row(0).maxCoeff(&best);
  return static_cast<std::int32_t>(best);
}

/// Decodes `count` tokens greedily, beginning with `token` behind `past` positions.
Timed decode(Stage& stage, std::int32_t token, std::int32_t past, std::int32_t count) {
  const StageCost cost = stage.cost();
  Timed timed;
  const measure::Stopwatch watch;
  for (std::int32_t i = 0; i < count; ++i) token = run(stage, past + i, {&token, 1});
  timed.seconds = watch.seconds();
  for (std::int32_t i = 0; i < count; ++i) {
    const measure::Work step = measure::decode_work(cost, past + i);
    timed.work.bytes += step.bytes;
    timed.work.flops += step.flops;
  }
  return timed;
}

}  // namespace

SpeedRuns fit_to_context(SpeedRuns runs, std::int64_t context) {
  if (context < 16) {
    throw Error(ErrorKind::usage, "the model was made for {} positions: too few to measure, 16 are needed",
                context);
  }
  const auto most = static_cast<std::int32_t>(std::min<std::int64_t>(context, runs.positions()));
  runs.prefill = std::min(runs.prefill, most);
  runs.decode = std::min(runs.decode, most - runs.prompt);
  return runs;
}

Timed time_decode(Stage& stage, const SpeedRuns& runs) {
  stage.sequences().drop(sequence);
  const std::int32_t token = run(stage, 0, any_tokens(runs.prompt, stage.config().vocab));
  return decode(stage, token, runs.prompt, runs.decode);
}

Timed time_decode_after(Stage& stage, std::int32_t past, std::int32_t count) {
  Sequences& sequences = stage.sequences();
  sequences.drop(sequence);
  constexpr SequenceId empty = sequence + 1;
  for (std::int32_t done = 0; done < past; done += prefill_chunk) {
    Batch batch;
    batch.add(empty, done, any_tokens(std::min(prefill_chunk, past - done), stage.config().vocab),
              Batch::Logits::none);
    run_reserved(batch, sequences, [](const Plan&) { return Matrix(); });
  }
  // Memory that was never written is one and the same page of zeros, which no read fetches. A copy is written.
  sequences.fork(empty, sequence);
  sequences.drop(empty);
  return decode(stage, any_tokens(1, stage.config().vocab).front(), past, count);
}

Timed time_prefill(Stage& stage, const SpeedRuns& runs) {
  stage.sequences().drop(sequence);
  const std::vector<std::int32_t> tokens = any_tokens(runs.prefill, stage.config().vocab);
  const measure::Stopwatch watch;
  run(stage, 0, tokens);
  return {.seconds = watch.seconds(), .work = measure::prefill_work(stage.cost(), runs.prefill)};
}

double time_to_first_token(const std::filesystem::path& model, const StageInfo& stage,
                           const StageOptions& options, const SpeedRuns& runs) {
  const measure::Stopwatch watch;
  const Checkpoint checkpoint = Checkpoint::open(model);
  const auto loaded = stage.make(checkpoint, options);
  run(*loaded, 0, any_tokens(runs.prompt, loaded->config().vocab));
  return watch.seconds();
}

}  // namespace rung
