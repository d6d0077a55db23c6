#pragma once

#include <string>
#include <vector>

#include "cuda/ladder.h"

namespace rung::cuda {

/// Who must reject a wrong kernel.
enum class RejectedBy {
  harness,  ///< its numbers are wrong
  checker,  ///< its numbers may be right, for the executor runs the threads in an order that hides the mistake
  executor,  ///< it does not run
};

/// A kernel with a mistake that people make.
struct WrongKernel {
  std::string op;
  KernelRung rung;
  RejectedBy by;
  std::string words;  ///< that the rejection must hold: a mistake's name, or a part of the message
};

std::vector<WrongKernel> wrong_kernels();

}  // namespace rung::cuda
