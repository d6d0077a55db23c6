#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace rung {

/// Writes a file whole or not at all (WholeFile).
/// @param parts  written one after the other
/// @throws Error (bad_input) naming the file and the system's reason
void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);
/// The same for one text.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace rung
