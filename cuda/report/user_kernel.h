#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "cuda/ladder.h"
#include "cuda/simt/simt.h"

namespace rung::cuda {

/// A kernel from outside the project: `./rung kernels --file FILE --op OP` links one in.
struct UserKernel {
  std::string op;
  KernelRung rung;
};

/// None in the project's own program. In the one that cli/kernels.py links, the object with the user's file defines
/// this function, and the linker takes that one.
std::vector<UserKernel> user_kernels();

/// Whether a Kernel can be called with the arguments of the function type Signature.
///@{
template <typename Kernel, typename Signature>
inline constexpr bool callable_as = false;
template <typename Kernel, typename Result, typename... Arguments>
inline constexpr bool callable_as<Kernel, Result(Arguments...)> = std::invocable<Kernel, Arguments...>;
///@}

/// Whether `kernel` can be called with what `Arguments` lists for at least one type of number.
template <template <typename> typename Arguments, typename Kernel>
constexpr bool callable_with(const Kernel& /*kernel*/) {
  return callable_as<Kernel, Arguments<float>> || callable_as<Kernel, Arguments<__half>> ||
         callable_as<Kernel, Arguments<__nv_bfloat16>>;
}

}  // namespace rung::cuda
