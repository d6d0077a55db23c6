#pragma once

#include <cstddef>

#include "cuda/simt/vector_types.h"

namespace rung::simt::detail {

/// A launch, its kernel's type forgotten.
struct LaunchRequest {
  const char* name = "";
  const void* kernel = nullptr;
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  void (*enter)(const void* arguments) = nullptr;  ///< calls the kernel, once per thread
  const void* arguments = nullptr;
  std::size_t argument_bytes = 0;
};

/// @throws Error naming the kernel when a limit of the device, or the kernel's __launch_bounds__, is exceeded
void check_limits(const LaunchRequest& request);

/// Checks a launch against the device's limits and carries it out.
/// @throws Error naming the kernel
void run(const LaunchRequest& request);

}  // namespace rung::simt::detail
