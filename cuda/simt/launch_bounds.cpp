#include "cuda/simt/launch_bounds.h"

#include <cstdint>

// What g++ noted for __launch_bounds__: see keywords.h. The section holds the addresses at which the no-operations begin,
// one for each kernel that has a bound; they end where the kernel begins.
extern "C" {
extern const std::uintptr_t __start___patchable_function_entries[] __attribute__((weak));
extern const std::uintptr_t __stop___patchable_function_entries[] __attribute__((weak));
}

namespace rung::simt::detail {

namespace {

#if defined(__x86_64__)
using Instruction = std::uint8_t;
constexpr Instruction no_operation = 0x90;
#elif defined(__aarch64__)
using Instruction = std::uint32_t;
constexpr Instruction no_operation = 0xd503201f;
#endif

constexpr std::uintptr_t most_threads = 1024;

}  // namespace

unsigned launch_bound(const void* kernel) {
#if defined(__x86_64__) || defined(__aarch64__)
  const auto begin = reinterpret_cast<std::uintptr_t>(kernel);
  std::uintptr_t nearest = 0;
  // Through a pointer that the compiler knows nothing of: it takes the two arrays for different objects.
  const std::uintptr_t* entry = __start___patchable_function_entries;
  const std::uintptr_t* end = __stop___patchable_function_entries;
  __asm__("" : "+r"(entry), "+r"(end));
  for (; entry != end; ++entry) {
    if (*entry<begin&& * entry> nearest) nearest = *entry;
  }
  if (nearest == 0 || begin - nearest > most_threads * sizeof(Instruction)) return 0;
  // The nearest note before this kernel may be another function's: then there is other code between.
  for (std::uintptr_t at = nearest; at != begin; at += sizeof(Instruction)) {
    if (*reinterpret_cast<const Instruction*>(at) != no_operation) return 0;
  }
  return static_cast<unsigned>((begin - nearest) / sizeof(Instruction));
#else
  static_cast<void>(kernel);
  return 0;
#endif
}

}  // namespace rung::simt::detail
