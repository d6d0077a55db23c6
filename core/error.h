#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace rung {

/// What went wrong decides the exit status of the command line.
enum class ErrorKind {
  bad_input,    ///< a file, tensor or value is not what it should be (exit status 1)
  usage,        ///< the arguments cannot mean anything (exit status 2)
  unsupported,  ///< a kernel does not do this case; nothing is wrong with it (exit status 1)
  full,         ///< no room left for keys and values; the batch was not run (exit status 1)
};

/// The project's one exception type. A message names the file, the tensor or the argument, what was expected,
/// what was found, and what to do about it, in one line.
class Error : public std::runtime_error {
 public:
  /// Formats with {fmt}: `throw Error(ErrorKind::bad_input, "{}: expected {}, found {}", file, a, b)`.
  template <typename... Args>
  explicit Error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)), kind_(kind) {}

  /// What went wrong, for the exit status.
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace rung
