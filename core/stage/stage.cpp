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

const StageInfo* predecessor(const std::vector<StageInfo>& ladder, const StageInfo& stage,
                             const ModelConfig& config) {
  if (stage.checked_against.empty()) return nullptr;
  const StageInfo& below = find_stage(ladder, stage.checked_against);
  return runs(below, config) ? &below : nullptr;
}

const StageInfo& find_stage(const std::vector<StageInfo>& ladder, const std::string& name) {
  std::string names;
  for (const StageInfo& stage : ladder) {
    if (stage.name == name) return stage;
    names += (names.empty() ? "" : ", ") + stage.name;
  }
  throw Error(ErrorKind::usage, "--stage: expected one of {}, found \"{}\"", names, name);
}

StageOptions with_defaults(StageOptions options, const ModelConfig& config,
                           std::span<const KvType> kv_types) {
  if (options.max_positions == 0) options.max_positions = static_cast<std::int32_t>(config.context);
  if (options.max_positions < 1 || options.max_positions > config.context) {
    throw Error(ErrorKind::usage, "room for {} positions: expected 1 to {}, the model's context",
                options.max_positions, config.context);
  }
  if (options.max_sequences < 1) {
    throw Error(ErrorKind::usage, "room for {} sequences: expected at least 1", options.max_sequences);
  }
  if (options.max_batch == 0) options.max_batch = options.max_positions;
  if (options.max_batch < 1 || options.max_batch > options.max_positions) {
    throw Error(ErrorKind::usage,
                "batches of {} rows of a sequence: expected 1 to {}, the positions that it has room for",
                options.max_batch, options.max_positions);
  }
  if (std::ranges::find(kv_types, options.kv_type) == kv_types.end()) {
    std::string names;
    for (const KvType type : kv_types) names += (names.empty() ? "" : ", ") + std::string(name(type));
    throw Error(
        ErrorKind::usage,
        "keys and values stored as {}: this stage stores {}; choose a stage that can, such as grouped",
        name(options.kv_type), names);
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
