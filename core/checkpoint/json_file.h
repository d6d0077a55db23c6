#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace rung {

/// Reads a JSON file whose outermost value is an object.
/// @param most_bytes  refuse a larger file: what is parsed takes several times its size in memory
/// @throws Error (bad_input) naming the file, for what is not JSON, not an object, or nested deeper than 32
/// levels
nlohmann::json read_json_object(const std::filesystem::path& file, std::size_t most_bytes);

/// A parse error of nlohmann's library in one line of printable text.
/// @throws Error (bad_input), always
[[noreturn]] void fail_as_json(const std::filesystem::path& file, std::string_view what);

}  // namespace rung
