#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace rung {

/// Prints one line for people on stderr. What a terminal would obey (control characters, in a file's name or
/// a tensor's) is shown as `\xNN`. When stderr cannot be written the line is lost, which is nobody's error.
void print_note(std::string_view line);

/// print_note of what {fmt} makes of it.
template <typename... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  print_note(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace rung
