#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace rung::simt {

/// What a GPU is, as far as limits and bounds need it. Per SM unless it says otherwise.
struct DeviceDescription {
  std::string_view name;       ///< "a100": as on the command line
  std::string_view long_name;  ///< "NVIDIA A100-SXM4-40GB"
  int compute_capability;      ///< 80 is 8.0
  unsigned sms;
  unsigned max_threads;      ///< resident on an SM
  unsigned max_blocks;       ///< resident on an SM
  unsigned registers;        ///< 32-bit
  std::size_t shared_bytes;  ///< of an SM
  std::size_t
      shared_per_block;  ///< the most that a block can have when it asks for it (static and dynamic together)
  std::size_t l2_bytes;  ///< of the device
  std::size_t memory_bytes;      ///< of the device
  double dram_bytes_per_second;  ///< of the device
  double fp32_flops;             ///< multiply-adds of CUDA cores count two; boost clock
  double half_tensor_flops;      ///< fp16 or bf16 with fp32 sums, dense
};

/// Limits that all of them share (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
inline constexpr unsigned max_threads_per_block = 1024;
inline constexpr std::size_t max_static_shared_bytes = 48 * 1024;

/// A100, RTX 4090 and H100; the first is the one that is assumed unless told otherwise.
std::span<const DeviceDescription> device_descriptions();
/// @throws Error (usage) that names the known ones
const DeviceDescription& device_description(std::string_view name);

/// The device whose limits launches are checked against.
const DeviceDescription& device();
/// Sets it. Not while a launch runs; `device` must live on.
void set_device(const DeviceDescription& device);

}  // namespace rung::simt
