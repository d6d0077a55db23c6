#include "tests/corruption/count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

// This program's operator new, in place of the library's: every form of it without alignment comes down to
// these.

namespace {
std::atomic<std::size_t> total = 0;
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  total += size;
  return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}

void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace rung::support {
std::size_t bytes_allocated() {
  return total;
}
}  // namespace rung::support
