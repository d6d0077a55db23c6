#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rung {

/// Parses JSON text that came from `file`; nesting deeper than 64 is refused, so that nobody's recursion over
/// the result can overflow the stack.
/// @throws Error (bad_input) naming the file and what is wrong with its text
nlohmann::json parse_json(std::string_view text, const std::filesystem::path& file);

/// Reads and parses a whole file of at most `largest` bytes: what is parsed takes several times as much.
/// @throws Error (bad_input) when it cannot be read, too
nlohmann::json read_json(const std::filesystem::path& file,
                         std::uintmax_t largest = std::uintmax_t{128} << 20);

/// What nlohmann's library found wrong with the text of `file`, in one printable line.
/// @throws Error (bad_input), always
[[noreturn]] void fail_as_json(const std::filesystem::path& file, const nlohmann::json::exception& error);

}  // namespace rung
