#include "cuda/simt/fiber.h"

#include <cstdint>
#include <exception>

#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"

#ifdef RUNG_SIMT_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace rung::simt::detail {

namespace {

namespace context = boost::context::detail;

void enter(context::transfer_t transfer) {
  const Fiber& self = *static_cast<const Handover*>(transfer.data)->to;
  arrived(transfer);
  self.main(self.argument);
  std::terminate();
}

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

void make_fiber(Fiber& fiber, void* stack_low, std::size_t stack_bytes, std::size_t unused,
                void (*main)(void*), void* argument) {
  const std::size_t usable = stack_bytes - unused;
  fiber.stack_low = stack_low;
  fiber.stack_bytes = stack_bytes;
  fiber.sanitizer_stack = nullptr;
  fiber.main = main;
  fiber.argument = argument;
#ifdef RUNG_SIMT_ADDRESS_SANITIZER
  // A fiber that was given up may have left frames there.
  __asan_unpoison_memory_region(stack_low, stack_bytes);
#endif
  fiber.context = context::make_fcontext(static_cast<unsigned char*>(stack_low) + usable, usable, enter);
}

std::size_t FiberStacks::stack_bytes() {
#ifdef RUNG_SIMT_ADDRESS_SANITIZER
  return std::size_t{256} << 10;  // it surrounds every variable with room
#else
  return std::size_t{64} << 10;
#endif
}

FiberStacks::FiberStacks(unsigned count) : count_(count), stride_(stack_bytes() + page_bytes()) {
  // Pages that nobody has touched cost no memory.
  void* memory = mmap(nullptr, stride_ * count, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ErrorKind::full, "no address space for the stacks of {} threads ({} bytes)", count,
                stride_ * count);
  }
  memory_ = static_cast<unsigned char*>(memory);
  for (unsigned i = 0; i < count; ++i) mprotect(memory_ + i * stride_, page_bytes(), PROT_NONE);
}

FiberStacks::~FiberStacks() {
  munmap(memory_, stride_ * count_);
}

void* FiberStacks::low(unsigned index) const {
  return memory_ + index * stride_ + page_bytes();
}

bool FiberStacks::in_guard(const void* address) const {
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(memory_);
  return offset < stride_ * count_ && offset % stride_ < page_bytes();
}

}  // namespace rung::simt::detail
