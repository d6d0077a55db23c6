#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/stage/stage.h"

namespace rung {

/// The fp64 transformer stands for a stage where commands compare.
inline constexpr std::string_view oracle_name = "oracle";

/// What a command may compare: a stage of the ladder, the oracle, or the oracle with one of the known
/// mistakes (`rope_interleaved`), to see what that looks like.
/// @param argument  the argument's name, for the error
/// @throws Error (usage) listing the stages there are
StageInfo choose_stage(const std::string& name, std::string_view argument);

/// The same, or nothing where there is no such stage.
std::optional<StageInfo> find_choice(const std::string& name);

/// The name of the stage that a command runs: the given one, or where none was given kv_cache, and moe for a mixture of
/// experts.
std::string stage_or_default(const std::string& given, const ModelConfig& config);

/// What help says of that.
inline constexpr const char* default_stage_text = "kv_cache, or moe for a mixture of experts";

}  // namespace rung
