#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/number_type.h"

namespace rung::cuda {

/// What nvcc says of a kernel without running it, for one architecture.
struct KernelFacts {
  std::string symbol;    ///< mangled
  int architecture = 0;  ///< 80, 89, 90
  int registers = 0;     ///< per thread
  int shared_bytes = 0;  ///< static, per block
  int spill_stores = 0;  ///< bytes
  int spill_loads = 0;   ///< bytes
};

/// How often an instruction that matters stands in a kernel's PTX.
struct PtxCounts {
  std::string symbol;  ///< mangled
  int mma = 0;         ///< mma.sync and wmma.mma
  int ldmatrix = 0;
  int cp_async = 0;
  int loads_of_16_bytes = 0;  ///< from global memory
};

/// All kernels of one translation unit.
struct StaticFacts {
  std::vector<KernelFacts> kernels;
  std::vector<PtxCounts> ptx;
};

/// nvcc, or why there is none: PATH first, then CUDA_HOME, then the toolkit's default folder.
struct Nvcc {
  std::filesystem::path program;  ///< empty: none
  std::string missing;            ///< one line, where none was found
};
/// Looks for it there.
Nvcc find_nvcc();

/// Compiles `source` (C++ with kernels) by nvcc for sm_80, sm_89 and sm_90 and reads what the assembler reports and what
/// the PTX holds. Kept in `cache`, and taken from there while neither `source` nor any file below root/cuda and root/core
/// that it includes is newer.
/// @param root   the repository: includes are from there
/// @param cache  a folder, made where there is none
/// @throws Error (bad_input) with nvcc's own message when it does not compile
StaticFacts static_facts(const Nvcc& nvcc, const std::filesystem::path& root,
                         const std::filesystem::path& source, const std::filesystem::path& cache);

/// Reads the report of ptxas -v. Public for its test.
std::vector<KernelFacts> read_ptxas_report(std::string_view text);
/// Counts instructions in PTX. Public for its test.
std::vector<PtxCounts> read_ptx(std::string_view text);

/// Whether `symbol` is the mangled name of the function `kernel`, for numbers of `type` where it is a template.
bool is_kernel(std::string_view symbol, std::string_view kernel, check::NumberType type);

}  // namespace rung::cuda
