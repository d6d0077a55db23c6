#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/check/budget.h"
#include "core/check/op.h"
#include "cuda/bench/problems.h"

namespace rung::cuda {

/// What the harness says of a result, of as many rows as the oracle answers for.
struct RowsVerdict {
  bool passed = true;        ///< whether nothing is wrong
  double percent = 0;        ///< the largest share of any of the standard's budgets
  std::string message = {};  ///< what is wrong; empty when nothing
};

/// Judges results of one large problem: some of the rows by the harness's rules against the fp64 oracle, and of the others
/// that every number was written.
class RungJudge {
 public:
  /// Asks the oracle, which takes seconds.
  /// @param rows  how many the oracle answers for
  RungJudge(const check::Op& op, const ProblemSize& size, const check::Case& whole, std::int64_t rows);

  /// @param outputs  the bytes of each output, whose memory was all ones before (NaN)
  RowsVerdict judge(std::span<const std::vector<std::byte>> outputs) const;

 private:
  const check::Op& op_;
  const check::Case& whole_;
  std::vector<std::int64_t> rows_;
  std::vector<check::Case> parts_;
  std::vector<std::vector<check::Reference>> references_;
  std::vector<std::vector<check::Values>> baselines_;
};

}  // namespace rung::cuda
