#pragma once

#include <cstdint>

namespace rung::measure {

/// Bytes of physical memory this process holds now, pages of mapped files included (VmRSS of
/// /proc/self/status). 0 where the system does not tell.
std::int64_t resident_bytes();

/// The most it has held since it started (VmHWM; getrusage's ru_maxrss where there is no /proc). Never falls,
/// so read it before allocating buffers that do not belong to what is measured.
std::int64_t peak_resident_bytes();

}  // namespace rung::measure
