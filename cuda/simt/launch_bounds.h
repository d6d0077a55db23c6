#pragma once

namespace rung::simt::detail {

/// The most threads that a kernel's __launch_bounds__ allows; 0 where it has none, or where the compiler did not note it.
unsigned launch_bound(const void* kernel);

}  // namespace rung::simt::detail
