#pragma once

#include <vector>

#include "core/check/case.h"
#include "cuda/ladder.h"
#include "cuda/simt/profile/profile.h"

namespace rung::cuda {

/// A wrong kernel, and what the checker should call it.
struct WrongAttention {
  KernelRung rung;
  simt::ProblemKind kind;
};

/// Those that read or write where they must not, or without order.
std::vector<WrongAttention> wrong_attention_kernels();

}  // namespace rung::cuda
