#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rung {

/// Token ids from an argument such as "1 2 3" or "1,2,3".
/// @param option  the argument's name, for errors
/// @throws Error (usage) for anything that is no id from 0 to 2³¹ - 1
std::vector<std::int32_t> parse_token_list(std::string_view text, std::string_view option);

}  // namespace rung
