#include "cli/program.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>

#include "cli/note.h"
#include "core/error.h"

namespace rung {

int report_error(const std::string& message, int status) {
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::cout.flush();
  std::fflush(stdout);
  note("rung: {}", line);
  return status;
}

int run_program(const std::function<int()>& run, std::string_view prefix) {
  int status = exit_failed;
  std::string wrong;
  try {
    status = run();
  } catch (const Error& error) {
    wrong = error.what();
    if (error.kind() == ErrorKind::usage) status = exit_usage;
  } catch (const std::bad_alloc&) {
    wrong = "out of memory";
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
    wrong = "cannot write to standard output";
    status = exit_failed;
  }
  return wrong.empty() ? status : report_error(std::string(prefix) + wrong, status);
}

}  // namespace rung
