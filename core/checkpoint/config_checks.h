#pragma once

#include <filesystem>

#include "core/checkpoint/config.h"

namespace rung {

/// Refuses a config that no model of the supported families can have: dimensions out of any sensible range
/// (which also keeps every product of two of them within 64 bits), heads that do not divide, an odd head_dim,
/// scales that are not positive and finite.
/// @param file  where the config was read, for errors
/// @throws Error (bad_input) naming the file and the value
void check_config(const std::filesystem::path& file, const ModelConfig& config);

}  // namespace rung
