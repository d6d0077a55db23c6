#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/check/op.h"
#include "core/check/report.h"

namespace rung::check {

/// Unit round-off of the accumulator: every op here adds up in fp32, whatever its inputs' type.
inline constexpr double accumulator_roundoff = 0x1p-24;

/// How far element i of an output may be from the oracle's r:
///
///     2·(u·|r| + 4·√K·u_acc·Σ|a||b| + declared intermediate rounding)
///
/// with u·|r| never below underflow(type). The first term is the last rounding, the second what an
/// accumulator loses on the way (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1; √K
/// instead of K because rounding errors mostly cancel, section 2.8, and 4 for the tail of their
/// distribution).
double element_bound(NumberType type, const Reference& reference, std::size_t i);

/// The root mean square of differences that are finite.
double rms(std::span<const double> differences);

/// The results of the op's plain loop on a case: as it is and, where the op says how, with its shared sum in
/// eight drawn orders. Their mean squared error is what rms and rows are held against.
///
/// Why more than one run: all D numbers of an attention row are moved by the same errors δ of its scores
/// (o = Σ p·v moves by Σ p_j·δ_j·(v_j − o)), so a row's error is one drawn number, not D; and where scores
/// are large, the few draws with two nearly equal largest scores make up most of it. One run of the plain
/// loop then says little about the error to expect: the ratio of two single draws of the same normal
/// distribution exceeds 3 in 2/π·atan(1/3) = 20 % of all cases, the ratio of one to the root mean square of
/// nine in 1.5 %, to the true one in 0.27 %.
std::vector<Values> baseline_runs(const Op& op, const Case& problem);

/// The same draws of one problem: what came out, what should have, and what the baseline gave.
struct Group {
  std::span<const Case> cases;
  std::span<const Values> results;
  std::span<const std::string>
      problems;  ///< what the runner found wrong with each; empty strings when nothing
  std::span<const std::vector<Reference>> references;
  std::span<const std::vector<Values>> baselines;  ///< the runs of baseline_runs()
};

/// Judges a group by rules 1 and 3 of the standard: each case by integrity and element bound, all together by
///
///     rms(o − r) <= 1.5·rms(baseline − r)                            over everything,
///     rms(o − r) <= 3·max(rms(baseline − r), its median over rows)   over each row (the same row of all draws).
///
/// Where the baseline's error is zero, the element bound alone decides. What the rms and row rules find is
/// said at the group's first case that has not failed otherwise.
/// @throws Error (bad_input) when an oracle gives nothing but zeros: then any scale of error would be
/// accepted
std::vector<CaseVerdict> judge(const Op& op, const Group& group);

}  // namespace rung::check
