#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/check/drawn_problems.h"
#include "core/check/report.h"
#include "cuda/ladder.h"
#include "cuda/report/static_facts.h"
#include "cuda/simt/device_description.h"
#include "cuda/simt/profile/profile.h"

namespace rung::cuda {

/// What nvcc says of a rung on one device: of its kernels, the one that asks for most.
struct RungFacts {
  int registers = 0;
  int spilled_bytes = 0;  ///< stores and loads together
  double occupancy =
      0;        ///< threads that are resident, of those an SM has room for; the lowest of its kernels
  int mma = 0;  ///< in the PTX, all its kernels together
  int ldmatrix = 0;
  int cp_async = 0;
  int loads_of_16_bytes = 0;
};

/// The least time that the counts leave a device, were there no latency and nothing else in the way. A bound from counts,
/// not a time: no GPU was asked.
struct Bound {
  double seconds = 0;
  std::string by;  ///< what it is the bound of: "memory", "shared memory", "arithmetic"
};

/// One rung, measured.
struct RungMeasure {
  const KernelRung* rung = nullptr;
  check::NumberType type = check::NumberType::f32;
  std::string checked;     ///< the first of the op's shapes on which the checker found something; empty: none
  simt::Profile findings;  ///< what it found there
  check::Report verdict;   ///< of the harness, on all of the op's cases; without cases where it was not asked
  simt::Profile profile;   ///< on the ladder's measured problem
  simt::KernelProfile total;  ///< of all its launches
  Work work;
  std::optional<RungFacts> facts;  ///< where nvcc is
  Bound bound;

  /// Whether the checker found nothing, on any shape.
  bool quiet() const { return profile.quiet() && checked.empty(); }
  /// Whether nothing is known against the rung.
  bool right() const { return quiet() && (verdict.cases.empty() || verdict.passed); }
  double l2_over_least() const;    ///< bytes between L1 and L2, of the op's least
  double dram_over_least() const;  ///< bytes between the modelled L2 and DRAM, of the op's least
};

/// How to measure.
struct MeasureOptions {
  check::NumberType type = check::NumberType::f32;
  const simt::DeviceDescription* device = nullptr;  ///< must live on
  bool check_shapes = true;  ///< whether the checker looks at a case of every shape that the op has
  /// Whether the harness is asked; it takes seconds. It is not, where the checker found a write out of bounds.
  bool judge = true;
  const check::DrawnProblems* problems = nullptr;  ///< that all rungs are judged on; null: drawn for this one
  const StaticFacts* facts = nullptr;  ///< of the translation unit that the rung is in; null: none
};

/// Has a rung looked at by the checker and judged by the harness, and profiles it on the ladder's measured problem.
/// @throws Error (usage) when the rung has no kernel for the type
RungMeasure measure(const KernelLadder& ladder, const KernelRung& rung, const MeasureOptions& options);

/// A rung's kernels among all of a translation unit's, on one device; nothing where none of them is there.
std::optional<RungFacts> facts_of(const StaticFacts& facts, const KernelRung& rung, check::NumberType type,
                                  const simt::DeviceDescription& device, const simt::Profile& profile);

/// The bound that counts imply: the longest of DRAM traffic, shared-memory wavefronts (one per SM and cycle) and
/// arithmetic, each at the device's peak.
Bound bound_of(const simt::KernelProfile& total, const Work& work, check::NumberType type,
               const simt::DeviceDescription& device);

}  // namespace rung::cuda
