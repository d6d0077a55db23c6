#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/check/model_mistakes.h"
#include "core/check/number_type.h"
#include "core/stage/stage.h"

namespace rung::check {

/// What an oracle stage does besides being right.
struct OracleStageVariant {
  const ModelMistake* mistake = nullptr;  ///< makes it wrong; must outlive the stage
  std::optional<NumberType> rounding;     ///< makes it as inexact as a right stage of this type may be
  std::uint64_t seed = 1;                 ///< of the rounding
};

/// The fp64 transformer as a Stage, so that the command line can run it and the checks can be checked with
/// it. It remembers tokens and runs each sequence whole at every step; logits are rounded to fp32 at the end.
/// Its trace sees the rows of the batch. The checkpoint must stay open.
std::unique_ptr<Stage> make_oracle_stage(const Checkpoint& checkpoint, const StageOptions& options,
                                         const OracleStageVariant& variant = {});

/// A row of a ladder that makes it: "oracle", or the mistake's name.
StageInfo oracle_stage_info(const OracleStageVariant& variant = {});

}  // namespace rung::check
