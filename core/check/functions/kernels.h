#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// The small kernels of chapter 13, and what is found out about a kernel, theirs and chapter 14's. They are judged by what
// they leave in memory, by what the executor and its checker have against them, and, where they are right, by what they
// ask of memory.

namespace rung::check {

/// What makes a kernel's numbers worth nothing, whatever they are; the graver one further down.
enum class KernelFault : std::uint8_t {
  none,
  uninitialised,       ///< memory read that nobody has written
  race,                ///< between threads of a block
  race_across_blocks,  ///< between two blocks
  missing_lane,  ///< a lane that a shuffle or a tensor core wants takes no part: a mask leaves it out, or it has left
  out_of_bounds,  ///< an access outside its array
  stopped         ///< anything else that the executor stops for: a deadlock, a misaligned access
};

/// What a kernel did.
struct KernelOutcome {
  std::vector<double>
      numbers;  ///< the output as it lies in memory, with `untouched` where nothing was written
  KernelFault fault = KernelFault::none;  ///< the gravest that was found
  bool in_warp = false;                   ///< a race: all that was found is between lanes of a warp
  bool by_store = false;                  ///< out of bounds: it is a store that reaches there
  // Of a kernel that is right, where the case asks for it and the counters are there:
  bool scattered = false;         ///< its requests touch many more sectors than could carry their bytes
  bool few_lanes = false;         ///< few lanes ask at a time, and a sector is moved again for the others
  bool conflicts = false;         ///< its requests to shared memory wait for banks
  bool reread = false;            ///< it reads more bytes than the task allows
  bool barriers = false;          ///< its blocks pass more barriers than the task allows
  bool without_shuffles = false;  ///< its warps exchange fewer numbers by shuffles than the task asks for
  bool tensor = false;            ///< it runs another number of tensor instructions than the task asks for
  bool atomics = false;           ///< it adds by atomics where the task does not allow it
  bool without_tile =
      false;  ///< fewer bytes go through shared memory than the tiles that the task asks for hold
  bool stores_again = false;     ///< it stores more bytes in global memory than the task allows
  bool fills_again = false;      ///< it stores more bytes in shared memory than the task's tiles hold
  bool few_warps = false;        ///< most of its warps load nothing
  bool through_shared = false;   ///< it brings through shared memory what the task wants in registers
  bool few_blocks = false;       ///< in no launch so many blocks store something as the task asks for
  bool last_reads_more = false;  ///< its last launch reads more than what the launch before it left for it
  std::string told = {};         ///< the checker's words or the counters', for people; not compared

  static constexpr double untouched = -7777;  ///< what lies in an output before the kernel runs

  /// As same_outcome(), to the last bit.
  bool operator==(const KernelOutcome& other) const;
};

/// Whether they are the same: the fault if there is one, and that it is within warps, or by a store, where this is
/// expected; else the numbers, each within `relative`, and the counters' findings.
bool same_outcome(const KernelOutcome& found, const KernelOutcome& expected, double relative);

/// The same where `near` says which numbers are near enough.
bool same_outcome(const KernelOutcome& found, const KernelOutcome& expected,
                  const std::function<bool(double found, double expected)>& near);

/// What is told of a wrong one: the checker's words, the first number that differs, or the counters' words.
/// @param place  what the number of that index is: "y[2, 5]"
std::string outcome_difference(const KernelOutcome& found, const KernelOutcome& expected, double relative,
                               const std::function<std::string(std::size_t)>& place);

/// sums[columns] of x[rows, columns], whole numbers.
struct ColumnSumsKernelInput {
  std::int64_t rows = 1, columns = 1;
  std::int64_t x_gap = 0;  ///< between rows, in numbers
  bool counted = false;    ///< whether the counters are looked at

  std::vector<double> x() const;  ///< as it lies in memory, with NaN in the gaps, which no right result holds
};
/// The sums come back.
FunctionCheck<ColumnSumsKernelInput, KernelOutcome> column_sums_check();

/// y[columns, rows] = x[rows, columns]ᵀ without gaps.
struct TransposeKernelInput {
  std::int64_t rows = 1, columns = 1;
  bool counted = false;  ///< whether the counters are looked at

  std::vector<double> x() const;  ///< whole numbers
};
/// y comes back.
FunctionCheck<TransposeKernelInput, KernelOutcome> transposed_check();

/// sums[rows] of x[rows, n], whole numbers without gaps.
struct RowSumsKernelInput {
  std::int64_t rows = 1, n = 1;
  bool counted = false;  ///< whether the counters are looked at

  std::vector<double> x() const;  ///< whole numbers
};
/// The sums come back.
FunctionCheck<RowSumsKernelInput, KernelOutcome> row_sums_check();

/// softmax of the rows of x[rows, n].
struct SoftmaxKernelInput {
  std::int64_t rows = 1, n = 1;
  std::int64_t x_gap = 0, y_gap = 0;  ///< between rows, in numbers
  std::vector<double> x;              ///< as it lies in memory
  bool counted = false;               ///< whether the counters are looked at
};
/// The weights come back, as they lie in memory.
FunctionCheck<SoftmaxKernelInput, KernelOutcome> softmax_rows_check();

}  // namespace rung::check
