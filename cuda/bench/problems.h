#pragma once

// Problems as large as a model of 7 to 8 billion parameters has them, and the parts of them that an oracle on a CPU can
// answer for.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/check/op.h"

namespace rung::cuda {

/// How large a problem is.
struct ProblemSize {
  std::string op = {};                               ///< as the harness calls it
  std::string description = {};                      ///< "M=4096 N=4096 K=4096"
  std::vector<check::Param> params = {};             ///< as the op has them
  std::map<std::string, std::int64_t> extents = {};  ///< of the axes that the op's arrays have
  std::string rows = {};                             ///< the param that counts the first output's first axis
};

/// What is timed, one or two for each op of the ladders.
std::vector<ProblemSize> model_sizes();

/// A problem of that size with normal numbers, always the same ones. Nothing lies between rows.
check::Case draw_problem(const check::Op& op, const ProblemSize& size, check::NumberType type);

/// Some of the rows (of the first output's first axis) of a problem, the first and the last among them, ascending.
/// @param count  how many, at least 2; all where there are fewer
std::vector<std::int64_t> sampled_rows(std::int64_t rows, std::int64_t count);

/// The problems whose results are those rows of `whole`: one for all of them, or one for each where a row's place counts
/// (attention's queries).
std::vector<check::Case> parts_of(const check::Op& op, const ProblemSize& size, const check::Case& whole,
                                  const std::vector<std::int64_t>& rows);

}  // namespace rung::cuda
