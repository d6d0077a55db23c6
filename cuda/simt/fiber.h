#pragma once

#include <cstddef>

// Switching between stacks: Boost.Context's assembly, and what the address sanitizer must be told about it. A fiber here
// is no more than a stack and where it stopped. Boost's own class fiber is not used: it unwinds a fiber that is dropped,
// which cannot be done to one that has crashed.

namespace rung::simt::detail {

/// Where a fiber stopped. The worker has one too, without a stack of ours.
struct Fiber {
  void* context = nullptr;
  const void* stack_low = nullptr;
  std::size_t stack_bytes = 0;
  void* sanitizer_stack = nullptr;  // the address sanitizer's own
  void (*main)(void*) = nullptr;    // what a new one starts with
  void* argument = nullptr;
};

/// Makes `fiber` start in `main` with `argument` when it is first switched to. `main` must never return.
/// @param unused  bytes at the stack's high end to leave alone, so that the stacks' hot ends do not fall on the same
///                lines of a cache
void make_fiber(Fiber& fiber, void* stack_low, std::size_t stack_bytes, std::size_t unused,
                void (*main)(void*), void* argument);

/// Goes on with `to`; returns when somebody switches to `from`.
void switch_fiber(Fiber& from, Fiber& to);

/// The stacks of a block's threads: one piece of address space, each stack above a page that may not be touched.
class FiberStacks {
 public:
  explicit FiberStacks(unsigned count);
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  unsigned count() const { return count_; }
  static std::size_t stack_bytes();
  void* low(unsigned index) const;
  /// Whether this address is in a page between two stacks: a stack has overflown.
  bool in_guard(const void* address) const;

 private:
  unsigned count_;
  std::size_t stride_;
  unsigned char* memory_;
};

}  // namespace rung::simt::detail
