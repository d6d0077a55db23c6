#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rung::simt::profiling {

/// A `__shared__` array: a thread-local variable of the executable.
struct StaticArray {
  std::string name;       ///< demangled: "rung::cuda::kernel(float*)::tile"
  std::size_t begin = 0;  ///< in the thread-local memory of a thread
  std::size_t bytes = 0;
};

/// The thread-local variables of the executable, by their place in memory. Read once from the symbol table; empty where
/// the executable has none (it was stripped).
const std::vector<StaticArray>& static_arrays();

/// The one that holds this byte of thread-local memory, or null.
const StaticArray* static_array_at(std::size_t byte);

}  // namespace rung::simt::profiling
