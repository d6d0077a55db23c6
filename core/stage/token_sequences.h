#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/stage/sequences.h"
#include "core/stage/stage.h"

namespace rung {

/// Remembers the tokens of each sequence and no keys and values: for stages that run a sequence whole at
/// every step.
class TokenSequences : public Sequences {
 public:
  /// @param options  with defaults filled in
  explicit TokenSequences(const StageOptions& options) : options_(options) {}

  std::optional<Plan> reserve(const Batch& batch) override;
  void commit(const Plan& plan) override;
  void abort(const Plan& plan) override;
  std::int32_t length(SequenceId sequence) const override;
  void fork(SequenceId from, SequenceId to) override;
  void truncate(SequenceId sequence, std::int32_t length) override;
  void drop(SequenceId sequence) override;

  /// Tokens of a sequence that has been reserved, those that are not committed yet among them.
  std::span<const std::int32_t> tokens(SequenceId sequence) const;
  /// Position of the first token of each batch they came in, from 0 up.
  std::span<const std::int64_t> starts(SequenceId sequence) const;

 private:
  struct History {
    std::vector<std::int32_t> tokens;
    std::vector<std::int64_t> starts;
    std::int32_t length = 0;  // what is committed; tokens may go on behind it

    void cut(std::int32_t new_length);
  };

  StageOptions options_;
  std::map<SequenceId, History> histories_;
};

}  // namespace rung
