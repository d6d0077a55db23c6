#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "chapters/06_kv_cache/flat_kv_store.h"
#include "core/stage/sequences.h"
#include "core/stage/stage.h"

namespace rung {

/// Gives each sequence a lane of max_positions slots, whether it fills them or not. Position p of the
/// sequence in lane n is in slot n · max_positions + p: nothing to look up, and much to waste (chapter 10
/// mends that).
class FlatSequences : public Sequences {
 public:
  /// @param options  with defaults filled in
  /// @param store    holds max_sequences · max_positions slots; outlives this
  FlatSequences(const StageOptions& options, FlatKvStore& store);

  std::optional<Plan> reserve(const Batch& batch) override;
  void commit(const Plan& plan) override;
  void abort(const Plan& plan) override;
  std::int32_t length(SequenceId sequence) const override;
  void fork(SequenceId from, SequenceId to) override;
  void truncate(SequenceId sequence, std::int32_t length) override;
  void drop(SequenceId sequence) override;

 private:
  struct Lane {
    std::int64_t first_slot = 0;
    std::int32_t length = 0;
  };
  Lane take_lane();  // free_lanes_ is not empty

  StageOptions options_;
  FlatKvStore& store_;
  std::map<SequenceId, Lane> lanes_;
  std::vector<std::int64_t> free_lanes_;  // first slots
};

}  // namespace rung
