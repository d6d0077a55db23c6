#pragma once

#include <cstdint>

namespace rung::measure {

/// The most bytes of physical memory this process has held since it started, pages of mapped files included
/// (VmHWM of /proc/self/status; getrusage's ru_maxrss where there is no /proc). Never falls, so read it
/// before allocating buffers that do not belong to what is measured.
std::int64_t peak_resident_bytes();

/// Bytes of physical memory in this machine, whoever uses them.
std::int64_t physical_memory_bytes();

}  // namespace rung::measure
