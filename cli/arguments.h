#pragma once

#include <charconv>
#include <limits>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "cli/command.h"

namespace rung {

// What CLI11 lets through, for `option->check(…)`.

/// Refuses what is no whole number of type T: CLI11 turns one that is out of range into another number.
template <typename T>
TextCheck whole_number() {
  return [](const std::string& text) -> std::string {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return {};
    return fmt::format("expected a whole number from {} to {}, found \"{}\"", std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max(), text);
  };
}

/// Refuses "", which is what a shell makes of a variable that is not set.
inline TextCheck not_empty() {
  return [](const std::string& text) -> std::string {
    return text.empty() ? "expected a name, found nothing" : "";
  };
}

}  // namespace rung
