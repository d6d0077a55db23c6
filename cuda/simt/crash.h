#pragma once

#include <csignal>
#include <cstddef>

// A kernel that crashes must not take the process with it: the signal's handler leaves the fiber for good and goes on with
// the worker, which reports.

namespace rung::simt::detail {

/// What a signal said.
struct Crash {
  int signal = 0;                 ///< 0: there was none
  const void* address = nullptr;  ///< that was touched
  static constexpr int most_frames = 16;
  const void* frames[most_frames] = {};  ///< innermost first
  int frame_count = 0;
};

/// While it lives, a signal in a kernel is caught; one elsewhere goes where it went before. One for all OS threads.
class CrashHandlers {
 public:
  CrashHandlers();
  ~CrashHandlers();
  CrashHandlers(const CrashHandlers&) = delete;
  CrashHandlers& operator=(const CrashHandlers&) = delete;
};

/// While it lives, handlers on this OS thread have a stack of their own: a fiber's may be the very thing that is full.
class HandlerStack {
 public:
  HandlerStack();
  ~HandlerStack();
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  stack_t before_{};
};

/// "segmentation fault at address 0x0".
const char* signal_text(int signal);

}  // namespace rung::simt::detail
