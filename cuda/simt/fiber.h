#pragma once

#include <cstddef>

#include <boost/context/detail/fcontext.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define RUNG_SIMT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RUNG_SIMT_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef RUNG_SIMT_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

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

/// Told to whom a switch goes on with; on the stack of whom it leaves.
struct Handover {
  Fiber* from;
  Fiber* to;
};

/// The first thing after every switch, on the stack that was switched to.
inline void arrived(const boost::context::detail::transfer_t& transfer) {
  const Handover handover = *static_cast<const Handover*>(transfer.data);
  handover.from->context = transfer.fctx;
#ifdef RUNG_SIMT_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(handover.to->sanitizer_stack, &handover.from->stack_low,
                                  &handover.from->stack_bytes);
#endif
}

/// Goes on with `to`; returns when somebody switches to `from`. Inline, as all between a kernel and the switch: each frame
/// costs a line of the cache, a thousand times over.
inline void switch_fiber(Fiber& from, Fiber& to) {
  Handover handover{&from, &to};
#ifdef RUNG_SIMT_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(&from.sanitizer_stack, to.stack_low, to.stack_bytes);
#endif
  arrived(boost::context::detail::jump_fcontext(to.context, &handover));
}

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
