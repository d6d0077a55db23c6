#pragma once

#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rung {

/// Parses JSON text that came from `file`; nesting deeper than 64 is refused, so that nobody's recursion over
/// the result can overflow the stack.
/// @throws Error (bad_input) naming the file and what is wrong with its text
nlohmann::json parse_json(std::string_view text, const std::filesystem::path& file);

/// Reads and parses a whole file of at most 128 MiB.
/// @throws Error (bad_input) when it cannot be read, too
nlohmann::json read_json(const std::filesystem::path& file);

}  // namespace rung
