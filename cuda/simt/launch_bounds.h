#pragma once

#include <cstddef>

namespace rung::simt::detail {

/// The most threads that a kernel's __launch_bounds__ allows; 0 where it has none, or where the compiler did not note it.
unsigned launch_bound(const void* kernel);

/// Bytes of the __shared__ arrays that are declared in the kernel itself; 0 where the executable's symbols cannot be read.
std::size_t static_shared_bytes(const void* kernel);

}  // namespace rung::simt::detail
