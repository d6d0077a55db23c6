#pragma once

#include <cstddef>
#include <optional>

#include "cuda/simt/device_description.h"

namespace rung::cuda {

/// The blocks that an SM holds at a time, as the CUDA toolkit's own calculator (cuda_occupancy.h) has it; 0 where the device
/// cannot run such a block. Nothing where this was built without the toolkit.
/// @param threads       of a block
/// @param shared_bytes  of a block, static and dynamic
/// @param registers     of a thread
std::optional<unsigned> toolkit_resident_blocks(const simt::DeviceDescription& device, unsigned threads,
                                                std::size_t shared_bytes, unsigned registers);

/// The toolkit's answer where there is one, else simt::resident_blocks(), but at least 1.
unsigned occupancy_blocks(const simt::DeviceDescription& device, unsigned threads, std::size_t shared_bytes,
                          unsigned registers);

}  // namespace rung::cuda
