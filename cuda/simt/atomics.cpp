#include "cuda/simt/atomics.h"

#include <bit>
#include <cstdint>

#include "cuda/simt/executor.h"

// In a file of its own, which no profiler's hooks are compiled into: the observer is told of an atomic once.

namespace {

using rung::simt::MemoryEvent;
using rung::simt::Where;

template <typename T>
void announce(const T* address, Where where, const void* code) {
  if (reinterpret_cast<std::uintptr_t>(address) % sizeof(T) != 0) {
    const rung::simt::detail::Aside here;
    rung::simt::detail::fail_here(
        "an atomic operation on an address that is not a multiple of " + std::to_string(sizeof(T)), where);
  }
  if (rung::simt::Observer* watching = rung::simt::observer()) {
    watching->memory_event(
        {MemoryEvent::Kind::atomic, MemoryEvent::By::atomic, address, sizeof(T), where, code});
  }
}

template <typename T>
T add(T* address, T value, Where where, const void* code) {
  announce(address, where, code);
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

template <typename T, typename Better>
T replace_if(T* address, T value, Where where, const void* code, Better better) {
  announce(address, where, code);
  T old = __atomic_load_n(address, __ATOMIC_RELAXED);
  while (better(value, old) &&
         !__atomic_compare_exchange_n(address, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

template <typename T>
T smallest(T* address, T value, Where where, const void* code) {
  return replace_if(address, value, where, code, [](T a, T b) { return a < b; });
}

template <typename T>
T largest(T* address, T value, Where where, const void* code) {
  return replace_if(address, value, where, code, [](T a, T b) { return a > b; });
}

template <typename T>
T exchange(T* address, T value, Where where, const void* code) {
  announce(address, where, code);
  return __atomic_exchange_n(address, value, __ATOMIC_RELAXED);
}

template <typename T>
T compare_and_swap(T* address, T expected, T value, Where where, const void* code) {
  announce(address, where, code);
  __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;  // what was there, if it was not what was expected
}

}  // namespace

#define CODE __builtin_return_address(0)

int atomicAdd(int* address, int value, Where where) {
  return add(address, value, where, CODE);
}
unsigned atomicAdd(unsigned* address, unsigned value, Where where) {
  return add(address, value, where, CODE);
}
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value, Where where) {
  return add(address, value, where, CODE);
}
float atomicAdd(float* address, float value, Where where) {
  announce(address, where, CODE);
  auto* bits = reinterpret_cast<std::uint32_t*>(address);
  std::uint32_t old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bits, &old,
                                      std::bit_cast<std::uint32_t>(std::bit_cast<float>(old) + value), true,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return std::bit_cast<float>(old);
}
int atomicSub(int* address, int value, Where where) {
  return add(address, static_cast<int>(0u - static_cast<unsigned>(value)), where, CODE);
}
unsigned atomicSub(unsigned* address, unsigned value, Where where) {
  return add(address, 0u - value, where, CODE);
}
int atomicMin(int* address, int value, Where where) {
  return smallest(address, value, where, CODE);
}
unsigned atomicMin(unsigned* address, unsigned value, Where where) {
  return smallest(address, value, where, CODE);
}
int atomicMax(int* address, int value, Where where) {
  return largest(address, value, where, CODE);
}
unsigned atomicMax(unsigned* address, unsigned value, Where where) {
  return largest(address, value, where, CODE);
}
int atomicExch(int* address, int value, Where where) {
  return exchange(address, value, where, CODE);
}
unsigned atomicExch(unsigned* address, unsigned value, Where where) {
  return exchange(address, value, where, CODE);
}
float atomicExch(float* address, float value, Where where) {
  auto* bits = reinterpret_cast<std::uint32_t*>(address);
  return std::bit_cast<float>(exchange(bits, std::bit_cast<std::uint32_t>(value), where, CODE));
}
int atomicCAS(int* address, int expected, int value, Where where) {
  return compare_and_swap(address, expected, value, where, CODE);
}
unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value, Where where) {
  return compare_and_swap(address, expected, value, where, CODE);
}
unsigned long long atomicCAS(unsigned long long* address, unsigned long long expected,
                             unsigned long long value, Where where) {
  return compare_and_swap(address, expected, value, where, CODE);
}
