#pragma once

// What device code sees on a CPU: CUDA's own names, each with the meaning that CUDA documents. What our kernels do not
// call does not exist.

#include <cstddef>
#include <cstdint>

#include "cuda/simt/atomics.h"
#include "cuda/simt/barriers.h"
#include "cuda/simt/bfloat16.h"
#include "cuda/simt/half.h"
#include "cuda/simt/keywords.h"
#include "cuda/simt/math_functions.h"
#include "cuda/simt/vector_types.h"
#include "cuda/simt/warp.h"

inline constexpr int warpSize = 32;

// One OS thread runs one block at a time, and one of its threads at a time: the executor sets these when it goes on with it.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;

/// A load through the read-only cache; here a plain load.
template <typename T>
T __ldg(const T* address) {
  return *address;
}

namespace rung::simt {

namespace detail {
void* dynamic_shared_memory();
}

/// The block's dynamic shared memory, Launch::shared_bytes of it, aligned to 128 bytes.
template <typename T>
T* dynamic_shared() {
  return static_cast<T*>(detail::dynamic_shared_memory());
}

}  // namespace rung::simt
