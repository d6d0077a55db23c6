#pragma once

#include <filesystem>

namespace rung {

/// Checks that a command may write a large file there: it is no folder, and what is there already
/// is replaced only where that was asked for.
/// @param force  whether it was: --force
/// @throws Error (usage) naming the file
void require_new_file(const std::filesystem::path& file, bool force);

}  // namespace rung
