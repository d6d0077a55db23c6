#pragma once

#include <cstdint>

namespace rung::measure {

/// The most bytes of physical memory this process has held since it started, pages of mapped files included
/// (VmHWM of /proc/self/status; getrusage's ru_maxrss where there is no /proc). Never falls, so read it
/// before allocating buffers that do not belong to what is measured.
std::int64_t peak_resident_bytes();

/// Bytes of physical memory in this machine, whoever uses them.
std::int64_t physical_memory_bytes();

/// While one lives, whatever is allocated is filled with zeros. For a cache of keys and values whose positions are to
/// be read but are never computed: what was freed before may hold any bits, also NaN, which no router takes. All of it is
/// then held in memory, written or not. (By the GNU C library's mallopt; elsewhere it changes nothing.)
class ZeroedMemory {
 public:
  ZeroedMemory();
  ~ZeroedMemory();
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;
};

}  // namespace rung::measure
