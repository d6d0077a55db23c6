#pragma once

#include <string>
#include <vector>

#include "cuda/ladder.h"
#include "tests/cuda/gemm/gemm_problems.h"

namespace rung::cuda {

/// A wrong kernel, and a shape on which the checker should see it.
struct WrongKernel {
  KernelRung rung;
  LinearShape shape;
};

/// Those that read or write where they must not, or without order.
std::vector<WrongKernel> wrong_gemm_kernels();

}  // namespace rung::cuda
