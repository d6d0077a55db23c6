#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/check/op.h"

namespace rung::check {

/// The draws of one problem and what results on them are held against; the same for every candidate.
struct DrawnProblem {
  std::vector<Case> cases;
  std::vector<std::vector<Reference>> references;  ///< [case][output], the oracle's
  std::vector<std::vector<Values>> baselines;      ///< [case][run], see baseline_runs()
};

/// All problems of an op at one type, drawn from one seed. The oracle and the baseline of a problem take longer than most
/// candidates, so each is computed once, when somebody first asks for it: whoever judges many candidates hands all of
/// them the same DrawnProblems. Several threads may ask at once.
class DrawnProblems {
 public:
  /// Computes nothing yet. @param op  must live on
  DrawnProblems(const Op& op, NumberType type, std::uint64_t seed = default_seed);

  /// What they are problems of.
  const Op& op() const { return *op_; }
  /// What inputs and outputs are stored as.
  NumberType type() const { return type_; }
  /// How many problems there are.
  std::size_t size() const { return problems_.size(); }
  /// The draws alone, without what they are held against.
  std::vector<Case> cases(std::size_t problem) const;
  /// One problem with all that judging it takes; whoever asks second waits for the first.
  const DrawnProblem& operator[](std::size_t problem) const;

 private:
  struct Slot {
    std::once_flag computed;
    DrawnProblem problem;
  };

  const Op* op_;
  NumberType type_;
  std::uint64_t seed_;
  std::vector<std::unique_ptr<Slot>> problems_;
};

}  // namespace rung::check
