#pragma once

#include <cstddef>
#include <vector>

// The device's memory on the CPU; on_gpu.h has the same functions for nvcc.

namespace rung::simt {

/// Memory of a device_buffer.
struct Allocation {
  const void* address;
  std::size_t bytes;
};

/// Of all device_buffers that live now, by address.
std::vector<Allocation> allocations();

namespace detail {

void* allocate_device_memory(std::size_t count, std::size_t element_bytes);
void release_device_memory(void* address, std::size_t bytes);
void copy_to_device(void* to, const void* from, std::size_t bytes);
void copy_from_device(void* to, const void* from, std::size_t bytes);
void check_copy_size(std::size_t given, std::size_t held, const char* what);

}  // namespace detail
}  // namespace rung::simt
