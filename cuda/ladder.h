#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/op.h"

/// The CUDA kernels of the course. One source for nvcc and for the executor in cuda/simt.
namespace rung::cuda {

/// Where a kernel finds the arrays of a call of the harness.
enum class Memory {
  of_the_call,  ///< where the harness put them, between its guard bands: the executor's kernels can read any memory
  of_the_device,  ///< in device buffers, copied there and back: what the profiler knows the bounds of
  resident,  ///< the call's own pointers are the device's: nothing is copied, and nobody waits for the kernels
};

/// One kernel (or a few that are launched one after the other) for an op.
struct KernelRung {
  int number = 0;           ///< its place in the ladder, from 1; 0 for a kernel that is not the project's
  std::string name = {};    ///< "warp_shuffles"
  std::string news = {};    ///< what it does that the one before does not, one line
  std::string source = {};  ///< from the repository's root, "cuda/rmsnorm/03_warp_shuffles.cuh"
  std::vector<std::string> kernels = {};  ///< its __global__ functions, "rmsnorm_03_kernel"
  std::vector<check::NumberType> types = {};
  bool in_place = false;  ///< whether the output may be one of the op's in_place inputs
  /// Launches it on the call's arrays and waits (unless they are resident). Errors: rung::Error of the launch, of a copy, or of kind
  /// `unsupported` for a shape that it does not do.
  std::function<void(const check::Call&, Memory)> run = nullptr;
};

/// What the op asks for at least, whoever does it.
struct Work {
  double bytes = 0;           ///< every input number that counts read once, every output number written once
  double flops = 0;           ///< additions and multiplications; a root, a quotient, an exp count as one each
  bool tensor_cores = false;  ///< whether the flops are products of fp16 or bf16 matrices
};

/// All rungs of one op, from the first to the best.
struct KernelLadder {
  std::string op;    ///< "rmsnorm", as the harness calls it
  int chapter = 13;  ///< that teaches it
  const check::Op* judged_by = nullptr;
  std::string signature;  ///< of the host function that a user's file must have
  /// The problem that the counters are taken at: large enough that edges do not count, small enough for a CPU.
  std::function<check::Case(check::NumberType)> measured;
  std::function<Work(const check::Case&)> work;
  std::vector<KernelRung> rungs;
};

/// The ladders of all ops, in the order of the chapters.
const std::vector<KernelLadder>& kernel_ladders();

/// By the op's name, or by that of its folder in cuda/.
/// @throws Error (usage) listing the names there are
const KernelLadder& find_kernel_ladder(std::string_view op);

/// The folder below cuda/ that an op's rungs are in: its name as a rule, for linear gemm.
std::string folder_of(const KernelLadder& ladder);

/// A rung as the harness takes it, on the harness's own memory.
check::Candidate candidate_of(const KernelLadder& ladder, const KernelRung& rung);

/// All numbers of all inputs and outputs of a case, gaps between rows left out, in bytes.
double bytes_of(const check::Case& problem);

/// The ladders, one function per op, each in its op's folder.
///@{
KernelLadder add_ladder();
KernelLadder swiglu_ladder();
KernelLadder rmsnorm_ladder();
KernelLadder add_rmsnorm_ladder();
KernelLadder softmax_ladder();
KernelLadder rope_ladder();
KernelLadder embedding_ladder();
KernelLadder gemm_ladder();
KernelLadder attention_ladder();
///@}

}  // namespace rung::cuda
