#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace rung {

// What a program ends with.
inline constexpr int exit_right = 0;
inline constexpr int exit_failed = 1;  ///< a check or a run
inline constexpr int exit_usage = 2;   ///< it was called wrongly

/// Says on stderr what is wrong, in one line, whatever the library that worded it thinks.
/// @return `status`
int report_error(const std::string& message, int status);

/// What is in every main(): runs the program, and makes of what it throws one line and an exit status. A result that did
/// not reach its file (a full disk) is no result, whatever else was wrong.
/// @param run     does everything and returns the exit status
/// @param prefix  what the line begins with behind "rung: ", such as "bench --gpu: "
/// @return the program's exit status
int run_program(const std::function<int()>& run, std::string_view prefix = "");

}  // namespace rung
