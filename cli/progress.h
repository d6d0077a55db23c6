#pragma once

#include <string>
#include <string_view>

#include "core/measure/clock.h"

namespace rung {

/// How far a command that takes long has come, on stderr. On a terminal it is one line that is written over and gone at
/// the end; elsewhere a line every ten seconds, so that a log stays short.
class Progress {
 public:
  Progress();
  /// Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows the line, if there is something to be shown by now.
  /// @param line  without control characters: "perplexity: chunk 3 of 10"
  void show(std::string_view line);

 private:
  bool terminal_;
  double next_ = 0;  ///< seconds at which a line is due
  std::size_t shown_ = 0;
  measure::Stopwatch since_;
};

/// Time for people: "42 s", "3 min", "1.5 h".
std::string duration_text(double seconds);

}  // namespace rung
