#include "cuda/report/occupancy.h"

#include <algorithm>

#include "cuda/simt/profile/profile.h"
#ifdef RUNG_TOOLKIT_OCCUPANCY
#include <cuda_occupancy.h>
#endif

namespace rung::cuda {

std::optional<unsigned> toolkit_resident_blocks([[maybe_unused]] const simt::DeviceDescription& device,
                                                [[maybe_unused]] unsigned threads,
                                                [[maybe_unused]] std::size_t shared_bytes,
                                                [[maybe_unused]] unsigned registers) {
#ifdef RUNG_TOOLKIT_OCCUPANCY
  cudaOccDeviceProp gpu;
  gpu.computeMajor = device.compute_capability / 10;
  gpu.computeMinor = device.compute_capability % 10;
  gpu.maxThreadsPerBlock = static_cast<int>(simt::max_threads_per_block);
  gpu.maxThreadsPerMultiprocessor = static_cast<int>(device.max_threads);
  gpu.regsPerBlock = static_cast<int>(device.registers);
  gpu.regsPerMultiprocessor = static_cast<int>(device.registers);
  gpu.warpSize = 32;
  gpu.sharedMemPerBlock = simt::max_static_shared_bytes;
  gpu.sharedMemPerMultiprocessor = device.shared_bytes;
  gpu.numSms = static_cast<int>(device.sms);
  gpu.sharedMemPerBlockOptin = device.shared_per_block;
  gpu.reservedSharedMemPerBlock = device.shared_bytes - device.shared_per_block;
  cudaOccFuncAttributes kernel;
  kernel.maxThreadsPerBlock = gpu.maxThreadsPerBlock;
  kernel.numRegs = static_cast<int>(registers);
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = device.shared_per_block;
  kernel.numBlockBarriers = 1;
  const cudaOccDeviceState state;
  cudaOccResult result;
  if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &gpu, &kernel, &state, static_cast<int>(threads),
                                              shared_bytes) != CUDA_OCC_SUCCESS)
    return std::nullopt;
  return static_cast<unsigned>(result.activeBlocksPerMultiprocessor);
#else
  return std::nullopt;
#endif
}

unsigned occupancy_blocks(const simt::DeviceDescription& device, unsigned threads, std::size_t shared_bytes,
                          unsigned registers) {
  const auto blocks = toolkit_resident_blocks(device, threads, shared_bytes, registers);
  return blocks ? std::max(1U, *blocks) : simt::resident_blocks(device, threads, shared_bytes, registers);
}

}  // namespace rung::cuda
