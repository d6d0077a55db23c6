#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/op.h"

namespace rung::check {

/// What `./rung cases` writes.
struct CaseFilesOptions {
  std::vector<NumberType> types;  ///< in this order
  std::uint64_t seed = default_seed;
  bool force =
      false;  ///< also into a folder that is not empty; older cases there are removed, with their outputs
};

/// Writes everything that check() would call a candidate with, for kernels written in anything:
///
///     folder/README.txt          the op, its params and arrays, and what to write where
///     folder/cases.json          op, seed, types, names of the cases
///     folder/<case>/params.json  params, shapes and files of one case
///     folder/<case>/<input>.npy  C order, without gaps between rows
///
/// f32 travels as float32, f16 as float16. NumPy has no bfloat16, so bf16 travels as float32 whose values are
/// bfloat16 numbers already: converting them is exact.
/// @return the number of cases
/// @throws Error (usage) for a folder that is not empty, without `force`; (bad_input) where writing fails
std::size_t write_cases(const Op& op, const std::filesystem::path& folder, const CaseFilesOptions& options);

/// A folder of cases, into which somebody's kernel wrote `CASE/OUTPUT.npy`.
struct CaseFolder {
  std::filesystem::path path;
  std::string op;
  std::uint64_t seed = 0;
  std::vector<NumberType> types;               ///< of which there are cases
  std::vector<NumberType> types_with_outputs;  ///< of which there is at least one output
  std::vector<std::string> missing;  ///< outputs of those types that are not there, `CASE/OUTPUT.npy`
};

/// Reads folder/cases.json and looks which outputs are there.
/// @param op  the op that the cases must be of; any if empty
/// @throws Error (usage) when they are of another, (bad_input) when the folder was not written by
/// write_cases(), or no output is there at all
CaseFolder open_cases(const std::filesystem::path& folder, std::string_view op = {});

/// The outputs in the folder as a candidate. Its run() throws Error (bad_input), naming the file, for an
/// output that is missing, has another shape or cannot hold the case's numbers, and for an input that is no
/// longer what write_cases() wrote. Accepted for f32: float32, float64; f16: also float16; bf16: also uint16,
/// its raw bits. float32 and float64 are rounded to the case's type, as a store would.
Candidate folder_candidate(const CaseFolder& folder);

}  // namespace rung::check
