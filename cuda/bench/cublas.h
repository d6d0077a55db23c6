#pragma once

#include <memory>
#include <string>

#include "core/check/number_type.h"

namespace rung::cuda {

/// NVIDIA's library of matrix products, found while the program runs, so that it is built and runs without it.
class Cublas {
 public:
  /// Null, and why in `missing`, where there is no such library, or it does not start.
  static std::unique_ptr<Cublas> open(std::string& missing);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  /// Queues y = x · wᵀ in the default stream: x [M, K], w [N, K], y [M, N] in the device's memory, nothing between rows;
  /// sums in fp32, for fp32 without TF32.
  /// @throws Error (bad_input) with the library's status
  void multiply(check::NumberType type, const void* x, const void* w, void* y, int M, int N, int K);

 private:
  struct Library;
  explicit Cublas(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace rung::cuda
