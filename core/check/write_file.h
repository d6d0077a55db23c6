#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace rung {

/// Writes a file whole or not at all: into a temporary neighbour first, which is then renamed, so that a full
/// disk or an interruption leaves neither half a file nor a lost old one. What is not a regular file
/// (/dev/stdout, a pipe) is written to directly.
/// @param parts  written one after the other
/// @throws Error (bad_input) naming the file and the system's reason
void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);
/// The same for one text.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace rung
