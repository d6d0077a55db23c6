#pragma once

#include <string>

namespace rung::support {

/// What a run of the command line printed and how it ended.
struct Ran {
  int status = 0;  ///< exit status; 128 + n when signal n ended it
  std::string out;
  std::string err;
};

/// Runs the command line through the shell.
/// @param arguments  as typed behind `rung`, quotes included; may redirect its streams elsewhere
Ran run_rung(const std::string& arguments);

/// Checks that the command line refuses: one line on stderr that holds `word`, nothing on stdout, and that
/// exit status.
void refuses(const std::string& arguments, int status, const std::string& word);

}  // namespace rung::support
