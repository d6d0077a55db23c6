#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cuda/simt/observer.h"

// What the executable's own ELF file says of kernels and their shared memory.

namespace rung::simt {

/// A thread-local variable of the executable: a __shared__ array, or something else of that kind.
struct ThreadLocalVariable {
  std::size_t offset;  ///< in thread_local_range()
  std::size_t bytes;
  std::string symbol;  ///< mangled; a __shared__ array `tile` of a kernel is _ZZ<the kernel>E4tile
};

/// All of them, by offset; none where the executable is stripped.
const std::vector<ThreadLocalVariable>& thread_local_variables();

namespace detail {

/// Bytes of the __shared__ arrays that are declared in the kernel itself; 0 where the symbols cannot be read.
std::size_t static_shared_bytes(const void* kernel);

/// "path:line", as place_text writes it, of the innermost of these addresses that is neither in the executor nor in a
/// library, as addr2line knows it; empty where there is no addr2line or no debug information. Starts a process: for reports only.
std::string place_of_code(const std::vector<const void*>& addresses);

}  // namespace detail
}  // namespace rung::simt
