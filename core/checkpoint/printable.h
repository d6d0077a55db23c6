#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rung {

/// Text from a file as it can stand in a one-line message: control characters and bytes outside ASCII as
/// `\xNN`, cut to `limit` characters.
std::string printable(std::string_view text, std::size_t limit = 60);

}  // namespace rung
