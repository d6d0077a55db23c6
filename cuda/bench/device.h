#pragma once

// What `./rung bench --gpu` asks of a GPU. gpu_device.cu is the one implementation that counts; the tests have another.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cuda/ladder.h"

namespace rung::cuda {

/// What was measured of a device's memory, in bytes a second.
struct Bandwidth {
  double copy = 0;  ///< by our own copy kernel, bytes read and bytes written together
  double read = 0;  ///< by a kernel that only reads
};

/// A device that kernels run on.
class BenchDevice {
 public:
  BenchDevice() = default;
  virtual ~BenchDevice() = default;
  BenchDevice(const BenchDevice&) = delete;
  BenchDevice& operator=(const BenchDevice&) = delete;

  /// "NVIDIA H100 80GB HBM3, sm_90, L2 50 MB".
  virtual std::string description() const = 0;
  /// Memory that lives until free_all(). @throws Error (full) when there is no room
  virtual std::byte* allocate(std::size_t bytes) = 0;
  /// Gives back all memory that allocate() gave.
  virtual void free_all() = 0;
  /// Writes the device's memory, all of `from`.
  virtual void upload(std::byte* to, std::span<const std::byte> from) = 0;
  /// Reads the device's memory, after the kernels that were launched before.
  virtual void download(std::span<std::byte> to, const std::byte* from) = 0;
  /// Sets every byte.
  virtual void fill(std::byte* to, std::size_t bytes, std::byte value) = 0;
  /// Runs `run`, whose kernels find nothing of their data in L2, and waits for it.
  /// @return seconds from the beginning of its first kernel to the end of its last
  /// @throws Error of a launch or of a kernel
  virtual double cold_seconds(const std::function<void()>& run) = 0;
  /// Measured now.
  virtual Bandwidth bandwidth() = 0;
  /// The vendor's own matrix product as if it were a rung of `linear`; nothing, and why in `missing`, where the library
  /// cannot be used.
  virtual std::optional<KernelRung> library_product(std::string& missing) = 0;
};

/// The first GPU. @throws Error (unsupported) where there is none
std::unique_ptr<BenchDevice> open_gpu();

}  // namespace rung::cuda
