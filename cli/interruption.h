#pragma once

#include <stdexcept>

namespace rung {

/// While one of these lives, Ctrl-C, a closed terminal and `kill` do not end the program at once: a command that is
/// writing a large file asks now and then, stops, and takes away what it began. Nor does a limit on the size of files: what
/// is written beyond it fails and is reported. One at a time.
class Interruption {
 public:
  /// Takes the signals over.
  Interruption();
  /// Gives them back.
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// What leaves the work when a signal came.
  struct Stopped : std::runtime_error {
    Stopped() : std::runtime_error("interrupted") {}
  };
  /// @throws Stopped when a signal has come
  void stop_if_asked() const;

  /// Ends the program by the signal that came, as whoever waits for it expects. To be called when everything is tidied
  /// up; the object must be gone.
  [[noreturn]] static void end_by_signal();

 private:
  void (*file_too_large_)(int);  // what SIGXFSZ did before
};

}  // namespace rung
