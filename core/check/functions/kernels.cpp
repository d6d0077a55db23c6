#include "core/check/functions/kernels.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/check/functions/kernel_check.h"
#include "core/check/functions/show.h"
#include "core/check/functions/whole_rows.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::int64_t threads = 128;  // of a block
constexpr std::int64_t lanes = 32;
constexpr std::int64_t tile = 32;  // rows and columns of a transposition's block

// Sums of columns.

struct ColumnHabits {
  bool without_stride = false, scattered = false, few_lanes = false;
  std::int64_t step = 1;         ///< columns rounded down to a multiple
  bool at_least_a_step = false;  ///< but not to none
};

KernelOutcome columns_summed(const ColumnSumsKernelInput& input, const ColumnHabits& habits) {
  const Numbers x = input.x();
  const std::int64_t stride = input.columns + (habits.without_stride ? 0 : input.x_gap);
  KernelOutcome outcome{.numbers = Numbers(place(input.columns), KernelOutcome::untouched),
                        .scattered = habits.scattered && input.counted,
                        .few_lanes = habits.few_lanes && input.counted};
  const std::int64_t least = habits.at_least_a_step ? std::min(input.columns, habits.step) : 0;
  const std::int64_t done = std::max(least, input.columns / habits.step * habits.step);
  for (std::int64_t c = 0; c < done; ++c) {
    double sum = 0;
    for (std::int64_t r = 0; r < input.rows; ++r) sum += x[place(r * stride + c)];
    outcome.numbers[place(c)] = sum;
  }
  return outcome;
}

/// Blocks that each take `rows` rows at most and write their sums to one place.
std::function<KernelOutcome(const ColumnSumsKernelInput&)> blocks_at_one_place(std::int64_t rows) {
  return [rows](const ColumnSumsKernelInput& input) {
    return input.rows > rows ? faulty(KernelFault::race_across_blocks) : columns_summed(input, {});
  };
}

// The transposition.

struct TransposeHabits {
  bool tile_as_it_was = false;  ///< each tile goes to its place, and is not turned itself
  bool scattered = false, few_lanes = false, conflicts = false, without_tile = false;
  std::int64_t step = 1;  ///< rows and columns rounded down to a multiple
};

KernelOutcome turned(const TransposeKernelInput& input, const TransposeHabits& habits) {
  const Numbers x = input.x();
  KernelOutcome outcome{.numbers = Numbers(place(input.rows * input.columns), KernelOutcome::untouched),
                        .scattered = habits.scattered && input.counted,
                        .few_lanes = habits.few_lanes && input.counted,
                        .conflicts = habits.conflicts && input.counted,
                        .without_tile = habits.without_tile && input.counted};
  for (std::int64_t r = 0; r < input.rows / habits.step * habits.step; ++r) {
    for (std::int64_t c = 0; c < input.columns / habits.step * habits.step; ++c) {
      const std::int64_t from_r = habits.tile_as_it_was ? r / tile * tile + c % tile : r;
      const std::int64_t from_c = habits.tile_as_it_was ? c / tile * tile + r % tile : c;
      // What no thread has brought into the tile.
      if (from_r >= input.rows || from_c >= input.columns) return faulty(KernelFault::uninitialised);
      outcome.numbers[place(c * input.rows + r)] = x[place(from_r * input.columns + from_c)];
    }
  }
  return outcome;
}

// Sums of rows.

struct SumHabits {
  bool first_warp_alone = false, even_lanes_alone = false, tail_dropped = false;
  bool scattered = false, few_lanes = false, barriers = false, without_shuffles = false;
};

KernelOutcome summed(const RowSumsKernelInput& input, const SumHabits& habits) {
  const Numbers x = input.x();
  KernelOutcome outcome{.numbers = {},
                        .scattered = habits.scattered && input.counted,
                        .few_lanes = habits.few_lanes && input.counted,
                        .barriers = habits.barriers && input.counted,
                        .without_shuffles = habits.without_shuffles && input.counted};
  for (std::int64_t r = 0; r < input.rows; ++r) {
    double sum = 0;
    for (std::int64_t i = 0; i < (habits.tail_dropped ? input.n / threads * threads : input.n); ++i) {
      if (habits.first_warp_alone && i % threads >= lanes) continue;
      if (habits.even_lanes_alone && i % 2 != 0) continue;
      sum += x[place(r * input.n + i)];
    }
    outcome.numbers.push_back(sum);
  }
  return outcome;
}

}  // namespace

bool same_outcome(const KernelOutcome& found, const KernelOutcome& expected, double relative) {
  return same_outcome(found, expected, [relative](double one, double other) {
    return same_numbers({one}, {other}, relative);
  });
}

bool same_outcome(const KernelOutcome& found, const KernelOutcome& expected,
                  const std::function<bool(double found, double expected)>& near) {
  if (found.fault != KernelFault::none || expected.fault != KernelFault::none)
    return found.fault == expected.fault && (found.in_warp || !expected.in_warp) &&
           (found.by_store || !expected.by_store);
  return std::ranges::equal(found.numbers, expected.numbers, near) && found.scattered == expected.scattered &&
         found.few_lanes == expected.few_lanes && found.conflicts == expected.conflicts &&
         found.reread == expected.reread && found.barriers == expected.barriers &&
         found.without_shuffles == expected.without_shuffles && found.tensor == expected.tensor &&
         found.atomics == expected.atomics && found.without_tile == expected.without_tile &&
         found.stores_again == expected.stores_again && found.fills_again == expected.fills_again &&
         found.few_warps == expected.few_warps && found.through_shared == expected.through_shared &&
         found.few_blocks == expected.few_blocks && found.last_reads_more == expected.last_reads_more;
}

bool KernelOutcome::operator==(const KernelOutcome& other) const {
  return same_outcome(*this, other, 0);
}

std::string outcome_difference(const KernelOutcome& found, const KernelOutcome& expected, double relative,
                               const std::function<std::string(std::size_t)>& place_of) {
  if (found.fault != KernelFault::none) return found.told;
  if (same_numbers(found.numbers, expected.numbers, relative)) return found.told;
  std::string wrong = first_wrong_number(found.numbers, expected.numbers, relative, place_of);
  for (std::size_t i = 0; i < found.numbers.size() && i < expected.numbers.size(); ++i) {
    if (found.numbers[i] == expected.numbers[i]) continue;
    if (expected.numbers[i] == KernelOutcome::untouched)
      return wrong + "; what lies there is not the output's";
    if (found.numbers[i] == KernelOutcome::untouched) return wrong + "; nothing was written there";
    break;
  }
  return wrong;
}

std::vector<double> ColumnSumsKernelInput::x() const {
  return whole_rows(rows, columns, x_gap, 0);
}
std::vector<double> TransposeKernelInput::x() const {
  return whole_rows(rows, columns, 0, 0);
}
std::vector<double> RowSumsKernelInput::x() const {
  return whole_rows(rows, n, 0, 3);
}

FunctionCheck<ColumnSumsKernelInput, KernelOutcome> column_sums_check() {
  using Input = ColumnSumsKernelInput;
  auto check =
      kernel_check<Input>(13, "column_sums", "a kernel for sums of columns whose requests are coalesced",
                          [](const Input&, std::size_t i) { return fmt::format("sums[{}]", i); });
  check.cases = {
      {"one", "2 × 1", {.rows = 2, .columns = 1}},
      {"ragged", "3 × 33", {.rows = 3, .columns = 33}},
      {"gaps", "5 × 127, rows further apart than they are long", {.rows = 5, .columns = 127, .x_gap = 6}},
      {"tall", "300 × 20", {.rows = 300, .columns = 20}},
      {"blocks", "2 × 300", {.rows = 2, .columns = 300}},
      {"counted", "64 × 1024, and the requests are counted", {.rows = 64, .columns = 1024, .counted = true}}};
  check.oracle = [](const Input& input) { return columns_summed(input, {}); };
  check.mistakes = {
      kernel_mistake<Input>("columns_scattered",
                            "right, but the lanes of a warp do not read side by side: of each sector that is "
                            "moved for them they "
                            "use a part",
                            [](const Input& input) { return columns_summed(input, {.scattered = true}); }),
      kernel_mistake<Input>("columns_few_lanes", few_lanes_work,
                            [](const Input& input) { return columns_summed(input, {.few_lanes = true}); }),
      kernel_mistake<Input>("columns_unguarded",
                            "threads behind the last column are not stopped; they reach past the end",
                            [](const Input& input) {
                              return input.columns % threads == 0 ? columns_summed(input, {})
                                                                  : faulty(KernelFault::out_of_bounds);
                            }),
      kernel_mistake<Input>("columns_tail_dropped",
                            "columns rounded down to whole blocks; what is left over has sums, too",
                            [](const Input& input) { return columns_summed(input, {.step = threads}); },
                            {[](const Input& input) { return columns_summed(input, {.step = lanes}); },
                             [](const Input& input) {
                               return columns_summed(input, {.step = threads, .at_least_a_step = true});
                             }}),
      kernel_mistake<Input>(
          "columns_without_stride", "rows taken to lie `columns` numbers apart; they are x_stride apart",
          [](const Input& input) { return columns_summed(input, {.without_stride = true}); }),
      kernel_mistake<Input>(
          "columns_blocks_race",
          "several blocks have rows of one column and write to the same sum; blocks do not wait "
          "for each other",
          blocks_at_one_place(1), {blocks_at_one_place(32), blocks_at_one_place(128)})};
  return check;
}

FunctionCheck<TransposeKernelInput, KernelOutcome> transposed_check() {
  using Input = TransposeKernelInput;
  auto check =
      kernel_check<Input>(13, "transposed", "a kernel that transposes a matrix through shared memory",
                          [](const Input& input, std::size_t i) {
                            const auto at = static_cast<std::int64_t>(i);
                            return fmt::format("y[{}, {}]", at / input.rows, at % input.rows);
                          });
  check.cases = {
      {"row", "1 × 5", {.rows = 1, .columns = 5}},
      {"tile", "32 × 32", {.rows = 32, .columns = 32}},
      {"wide", "32 × 64", {.rows = 32, .columns = 64}},
      {"ragged", "33 × 40", {.rows = 33, .columns = 40}},
      {"tall", "70 × 31", {.rows = 70, .columns = 31}},
      {"counted", "64 × 96, and the requests are counted", {.rows = 64, .columns = 96, .counted = true}}};
  check.oracle = [](const Input& input) { return turned(input, {}); };
  const auto whole_tiles = [](const Input& input) {
    return input.rows % tile == 0 && input.columns % tile == 0;
  };
  check.mistakes = {
      kernel_mistake<Input>("transposed_no_barrier",
                            "a thread reads from the tile what another may not have written yet; a barrier "
                            "belongs between, and all "
                            "threads of the block must come to it",
                            [](const Input&) { return faulty(KernelFault::race); }),
      kernel_mistake<Input>(
          "transposed_unguarded", "rows and columns behind the matrix's end are not left out",
          [whole_tiles](const Input& input) {
            return whole_tiles(input) ? turned(input, {}) : faulty(KernelFault::out_of_bounds);
          }),
      kernel_mistake<Input>(
          "transposed_scattered",
          "right, but a warp writes a column of y (or reads one of x): a sector is moved for each number",
          [](const Input& input) { return turned(input, {.scattered = true}); }),
      kernel_mistake<Input>(
          "transposed_few_lanes", few_lanes_work,
          [](const Input& input) { return turned(input, {.few_lanes = true}); },
          {[](const Input& input) { return turned(input, {.few_lanes = true, .without_tile = true}); }}),
      kernel_mistake<Input>(
          "transposed_without_tile",
          "right, but no tile in shared memory lies between: a warp then reads or writes short pieces of "
          "rows",
          [](const Input& input) { return turned(input, {.scattered = true, .without_tile = true}); },
          {[](const Input& input) { return turned(input, {.without_tile = true}); }}),
      kernel_mistake<Input>(
          "transposed_conflicts",
          "right, but a column of the tile lies in few banks, or in one, so that lanes wait for each other",
          [](const Input& input) { return turned(input, {.conflicts = true}); }),
      kernel_mistake<Input>("transposed_tiles_not_turned",
                            "each tile goes to its new place, but is not transposed itself: tile[x][y] where "
                            "tile[y][x] was written",
                            [](const Input& input) { return turned(input, {.tile_as_it_was = true}); }),
      kernel_mistake<Input>("transposed_tail_dropped",
                            "rows and columns behind the last whole tile are left out",
                            [](const Input& input) { return turned(input, {.step = tile}); })};
  return check;
}

FunctionCheck<RowSumsKernelInput, KernelOutcome> row_sums_check() {
  using Input = RowSumsKernelInput;
  auto check = kernel_check<Input>(13, "row_sums", "a kernel that adds up rows by shuffles, with one barrier",
                                   [](const Input&, std::size_t i) { return fmt::format("sums[{}]", i); });
  check.cases = {{"one", "2 × 1", {.rows = 2, .n = 1}},
                 {"warp", "2 × 32", {.rows = 2, .n = 32}},
                 {"ragged", "3 × 127", {.rows = 3, .n = 127}},
                 {"block", "2 × 128", {.rows = 2, .n = 128}},
                 {"prime", "1 × 1009", {.rows = 1, .n = 1009}},
                 {"counted",
                  "4 × 2048, and barriers and requests are counted",
                  {.rows = 4, .n = 2048, .counted = true}}};
  check.oracle = [](const Input& input) { return summed(input, {}); };
  check.mistakes = {
      kernel_mistake<Input>("sums_no_barrier",
                            "a thread adds up, or adds to, what other warps may not have written yet: a "
                            "barrier belongs between; or "
                            "two threads write to one place: let one of them write",
                            [](const Input&) { return faulty(KernelFault::race); }),
      kernel_mistake<Input>("sums_half_mask",
                            "a shuffle's mask does not name all lanes that take part; 0xffffffff does",
                            [](const Input&) { return faulty(KernelFault::missing_lane); }),
      kernel_mistake<Input>("sums_first_warp_alone",
                            "the sum of the first warp alone; the other warps have theirs, too",
                            [](const Input& input) { return summed(input, {.first_warp_alone = true}); }),
      kernel_mistake<Input>("sums_four_steps",
                            "32 lanes need five steps, at distances 16, 8, 4, 2 and 1; the last is missing",
                            [](const Input& input) {
                              return summed(input, {.even_lanes_alone = true, .without_shuffles = true});
                            },
                            {[](const Input& input) { return summed(input, {.even_lanes_alone = true}); }}),
      kernel_mistake<Input>("sums_tail_dropped",
                            "n rounded down to whole blocks; what is left over belongs to the sum",
                            [](const Input& input) { return summed(input, {.tail_dropped = true}); }),
      kernel_mistake<Input>(
          "sums_lanes_leave",
          "threads without a number return before a shuffle that reads from them; they must add a 0",
          [](const Input& input) {
            if (input.n >= threads) return summed(input, {});
            // Of a warp that is gone altogether nobody waits for a lane, but its sum is missing.
            return faulty(input.n % lanes != 0 ? KernelFault::missing_lane : KernelFault::uninitialised);
          }),
      kernel_mistake<Input>(
          "sums_many_barriers",
          "right, but a block passes more than one barrier; within a warp, shuffles need none",
          [](const Input& input) { return summed(input, {.barriers = true}); },
          {[](const Input& input) { return summed(input, {.barriers = true, .without_shuffles = true}); }}),
      kernel_mistake<Input>(
          "sums_without_shuffles",
          "right, but all 128 sums go through shared memory; within a warp, five shuffles add them up",
          [](const Input& input) { return summed(input, {.without_shuffles = true}); }),
      kernel_mistake<Input>(
          "sums_few_lanes", few_lanes_work,
          [](const Input& input) { return summed(input, {.few_lanes = true, .without_shuffles = true}); },
          {[](const Input& input) { return summed(input, {.few_lanes = true}); }}),
      kernel_mistake<Input>(
          "sums_scattered",
          "right, but each thread reads a piece of the row of its own: a sector is moved for each number",
          [](const Input& input) { return summed(input, {.scattered = true}); },
          {[](const Input& input) { return summed(input, {.scattered = true, .barriers = true}); },
           [](const Input& input) { return summed(input, {.scattered = true, .without_shuffles = true}); },
           [](const Input& input) {
             return summed(input, {.scattered = true, .barriers = true, .without_shuffles = true});
           }})};
  return check;
}

}  // namespace rung::check
