#pragma once

// The one header that a kernel includes, for nvcc and for a plain C++ compiler alike. Under nvcc it is CUDA's own
// headers; otherwise it is the device model of this folder. Both bring rung::simt::launch, device_buffer and
// dynamic_shared. Tensor cores and asynchronous copies are in ptx.h and wmma.h.

#ifdef __CUDACC__
#include "cuda/simt/on_gpu.h"
#else
#include "cuda/simt/device.h"
#include "cuda/simt/launch.h"
#endif
