#include "core/stage/stage.h"

#include <algorithm>

#include "core/error.h"

namespace rung {
namespace {

Error no_room(const Batch& batch, const Sequences& sequences) {
  std::int32_t longest = 0;
  for (const Row& row : batch.rows) longest = std::max(longest, row.position + 1);
  const SequenceId first = batch.rows.empty() ? 0 : batch.rows.front().sequence;
  return Error(
      ErrorKind::full,
      "no room for a batch of {} rows that makes its longest sequence {} positions long (sequence {} has "
      "{}); truncate or drop a sequence, or make the stage with more room",
      batch.rows.size(), longest, first, sequences.length(first));
}

}  // namespace

const StageInfo& find_stage(const std::vector<StageInfo>& ladder, const std::string& name) {
  std::string names;
  for (const StageInfo& stage : ladder) {
    if (stage.name == name) return stage;
    names += (names.empty() ? "" : ", ") + stage.name;
  }
  throw Error(ErrorKind::usage, "--stage: expected one of {}, found \"{}\"", names, name);
}

StageOptions with_defaults(StageOptions options, const ModelConfig& config) {
  if (options.max_positions == 0) options.max_positions = static_cast<std::int32_t>(config.context);
  if (options.max_positions < 1 || options.max_positions > config.context) {
    throw Error(ErrorKind::usage, "room for {} positions: expected 1 to {}, the model's context",
                options.max_positions, config.context);
  }
  if (options.max_sequences < 1) {
    throw Error(ErrorKind::usage, "room for {} sequences: expected at least 1", options.max_sequences);
  }
  return options;
}

Matrix run_reserved(const Batch& batch, Sequences& sequences, const std::function<Matrix(const Plan&)>& run) {
  const auto plan = sequences.reserve(batch);
  if (!plan) throw no_room(batch, sequences);
  try {
    Matrix logits = run(*plan);
    sequences.commit(*plan);
    return logits;
  } catch (...) {
    sequences.abort(*plan);
    throw;
  }
}

}  // namespace rung
