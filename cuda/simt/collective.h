#pragma once

#include <string>

#include "cuda/simt/observer.h"
#include "cuda/simt/where.h"

// The one primitive below everything that lanes of a warp do together.

namespace rung::simt::detail {

/// One operation of a warp: what it is called, and what is done when the last of its lanes has come.
struct Collective {
  WarpOp op;
  const char* name;  ///< as in the source
  /// Runs once for all lanes; arguments[lane] is null for a lane that takes no part. May be null. May call fail_for.
  void (*complete)(void* const arguments[32], unsigned mask);
  bool whole_warp = false;  ///< all 32 lanes must come, to the same line (PTX: .aligned)
};

/// The current thread takes part in a collective with the lanes of `mask`, and waits for them.
/// @param argument  this lane's values, on its stack
void arrive(const Collective& collective, void* argument, unsigned mask, Where where);

/// Which lane of its warp the current thread is.
unsigned lane();

/// While the executor writes a report on a kernel's stack, nothing that runs is the kernel's: of an inline function of the
/// standard library a program has one copy, and that may be one that was compiled with the profiler's hooks.
class Aside {
 public:
  Aside() : thread_(current) { current = nullptr; }
  ~Aside() { current = thread_; }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  const ThreadState* thread_;
};

/// Ends the launch with this report, naming the current thread.
[[noreturn]] void fail_here(const std::string& what, Where where);
/// The same from a place that no exception may leave, a compiler's hook: the current thread stops where it is, and what
/// its frames hold is not released.
[[noreturn]] void stop_here(const std::string& what, Where where);
/// The same as fail_here from within Collective::complete, naming another lane of the current thread's warp.
[[noreturn]] void fail_for(unsigned lane, const std::string& what, Where where);

/// "0x0000ffff".
std::string mask_text(unsigned mask);

}  // namespace rung::simt::detail
