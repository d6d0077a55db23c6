#pragma once

#include <string>
#include <vector>

#include "cuda/ladder.h"

namespace rung::cuda {

/// A kernel from outside the project: `./rung kernels --file FILE --op OP` links one in.
struct UserKernel {
  std::string op;
  KernelRung rung;
};

/// None in the project's own program. In the one that cli/kernels.py links, the object with the user's file defines
/// this function, and the linker takes that one.
std::vector<UserKernel> user_kernels();

}  // namespace rung::cuda
