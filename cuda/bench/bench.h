#pragma once

#include <string>
#include <vector>

#include "cuda/bench/device.h"
#include "cuda/bench/problems.h"
#include "cuda/bench/rung_judge.h"

namespace rung::cuda {

/// One kernel of a ladder (or a library's), timed.
struct RungTimes {
  std::string name = {};    ///< "coalesced"; "cuBLAS"
  std::string source = {};  ///< empty: not ours
  RowsVerdict before = {};  ///< on the result of a first run
  RowsVerdict after =
      {};  ///< on the result of a run after the timed ones; not asked where `before` did not pass
  bool same_bits = true;             ///< whether both gave the same bits
  std::string error = {};            ///< of a launch or a kernel; then nothing else is known
  std::vector<double> seconds = {};  ///< of each timed run, ascending; none where the first result is wrong

  /// Whether nothing is known against it.
  bool right() const { return error.empty() && before.passed && after.passed && same_bits; }
  double median() const;  ///< of `seconds`; 0 where there are none
};

/// All rungs of an op on one problem.
struct LadderTimes {
  std::string op = {};                              ///< as the harness calls it
  std::string description = {};                     ///< of the problem
  check::NumberType type = check::NumberType::f32;  ///< of inputs and outputs
  Work work = {};                                   ///< of the problem
  Bandwidth bandwidth = {};                         ///< measured right before, and after: the mean of both
  std::vector<RungTimes> rungs = {};                ///< those that have a kernel for the type, in order
  std::vector<RungTimes> library = {};              ///< one or none
  std::string no_library = {};                      ///< why there is none, for the op that a library could do
  std::int64_t rows_of_oracle = 0;                  ///< of how many rows the oracle was asked
};

/// How long to go on.
struct BenchEffort {
  int least_runs = 7;    ///< timed ones of a kernel
  int most_runs = 50;    ///< of them
  double seconds = 0.5;  ///< of timed runs of a kernel, once there are least_runs
};

/// Times every rung that has a kernel for the type: a first run, which is judged; timed runs with a cold L2; a last run,
/// which is judged again. What it allocates on the device it gives back.
/// @throws Error (full) when the problem does not fit the device
LadderTimes time_ladder(const KernelLadder& ladder, const ProblemSize& size, check::NumberType type,
                        BenchDevice& device, const BenchEffort& effort = {});

/// The table that `./rung bench --gpu` prints for an op, and under it what is wrong.
std::string to_text(const LadderTimes& times);

/// The same as a JSON object.
std::string to_json(const LadderTimes& times);

/// Whether every rung was right before and after.
bool all_right(const LadderTimes& times);

}  // namespace rung::cuda
