#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/gemm.h"
#include "core/check/functions/kernel_check.h"
#include "core/check/functions/whole_rows.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::int64_t tile = 32;  // rows and columns of a block's tile of C, and its length along k

std::int64_t divided_up(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

/// The order in which the parts' sums are added.
enum class PartOrder : std::uint8_t { as_they_are, backwards, last_first, even_first };

struct GemmHabits {
  bool w_transposed = false, w_transposed_with_stride = false, stride_of_a = false, c_dense = false;
  bool a_dense = false, w_tile_turned = false, w_rows_of_block_row = false, grid_swapped = false;
  bool remainder_dropped = false, last_part_alone = false, rows_of_whole_tiles = false,
       last_round_alone = false;
  bool a_gaps_read = false, w_gaps_read = false;  ///< and multiplied by 0
  bool sums_untouched = false;  ///< the sums of the parts are kept elsewhere, or there are no parts
  bool empty_parts_unwritten = false, empty_parts_left_out = false;
  PartOrder order = PartOrder::as_they_are;
  // Where the case is counted:
  bool reread = false, scattered = false, few_lanes = false, without_tile = false, atomics = false;
  bool few_blocks = false, last_reads_more = false, stores_again = false, fills_again = false,
       few_warps = false;
  std::int64_t k_step = 1;  ///< k rounded down to a multiple
};

/// The number of W that is multiplied with A[row, k] for a column of C; none where it is not in W.
std::optional<double> number_of_w(const GemmKernelInput& input, const GemmHabits& habits, const Numbers& w,
                                  std::int64_t row, std::int64_t column, std::int64_t k) {
  const std::int64_t stride = input.k + (habits.stride_of_a ? input.a_gap : input.w_gap);
  if (habits.w_tile_turned || habits.w_rows_of_block_row) {  // out of a tile, which has zeros outside W
    const std::int64_t in_tile = column % tile;
    const std::int64_t w_row =
        habits.w_tile_turned ? column - in_tile + k % tile : row - row % tile + in_tile;
    const std::int64_t w_k = habits.w_tile_turned ? k - k % tile + in_tile : k;
    return w_row < input.n && w_k < input.k ? w[place(w_row * stride + w_k)] : 0;
  }
  const std::size_t i = place(habits.w_transposed               ? k * input.n + column
                              : habits.w_transposed_with_stride ? k * stride + column
                                                                : column * stride + k);
  return i < w.size() ? std::optional(w[i]) : std::nullopt;
}

/// Whether a gap of A or of W gets into this number of C: all but the last row have one behind them.
bool meets_gap(const GemmKernelInput& input, const GemmHabits& habits, std::int64_t row,
               std::int64_t column) {
  return input.k % tile != 0 && ((habits.a_gaps_read && input.a_gap > 0 && row + 1 < input.m) ||
                                 (habits.w_gaps_read && input.w_gap > 0 && column + 1 < input.n));
}

std::vector<std::int64_t> order_of(std::int64_t parts, PartOrder order) {
  std::vector<std::int64_t> all(place(parts));
  std::iota(all.begin(), all.end(), 0);
  if (order == PartOrder::backwards) std::ranges::reverse(all);
  if (order == PartOrder::last_first) std::ranges::rotate(all, all.end() - 1);
  if (order == PartOrder::even_first)
    std::ranges::sort(all, {}, [](std::int64_t part) { return std::pair(part % 2, part); });
  return all;
}

/// The outcome before any number is written, with the counters' findings.
KernelOutcome nothing_written(const GemmKernelInput& input, const GemmHabits& habits) {
  // Of a single number no lanes share a sector.
  const bool bytes_counted = input.counted && input.m * input.n > 1;
  return {.numbers = Numbers(place(input.c_size()), KernelOutcome::untouched),
          .scattered = habits.scattered && input.counted,
          .few_lanes = habits.few_lanes && bytes_counted,
          .reread = habits.reread && bytes_counted,
          .atomics = habits.atomics && input.counted,
          .without_tile = habits.without_tile && input.counted,
          .stores_again = habits.stores_again && input.counted,
          .fills_again = habits.fills_again && input.counted,
          .few_warps = habits.few_warps && input.counted,
          .few_blocks = habits.few_blocks && input.counted,
          .last_reads_more = habits.last_reads_more && input.counted};
}

/// C, and behind it the parts' sums where `with_sums`.
KernelOutcome product(const GemmKernelInput& input, const GemmHabits& habits, bool with_sums) {
  const Numbers a = input.a();
  const Numbers w = input.w();
  KernelOutcome outcome = nothing_written(input, habits);
  Numbers sums;
  sums.reserve(place(input.parts * input.m * input.n));
  const std::int64_t end = input.k - input.k % habits.k_step;
  const std::int64_t length = habits.remainder_dropped ? end / input.parts : divided_up(end, input.parts);
  for (std::int64_t part = 0; part < input.parts; ++part) {
    const std::int64_t first = habits.last_round_alone ? (end - 1) / tile * tile : part * length;
    const bool unwritten = habits.empty_parts_unwritten && part * length >= end;
    for (std::int64_t row = 0; row < input.m; ++row) {
      for (std::int64_t column = 0; column < input.n; ++column) {
        double sum = unwritten ? KernelOutcome::untouched : 0;
        for (std::int64_t k = first; k < std::min((part + 1) * length, end); ++k) {
          const std::optional<double> number = number_of_w(input, habits, w, row, column, k);
          if (!number) return faulty(KernelFault::out_of_bounds);
          sum += a[place(row * (input.k + (habits.a_dense ? 0 : input.a_gap)) + k)] * *number;
        }
        sums.push_back(meets_gap(input, habits, row, column) ? std::nan("") : sum);
      }
    }
  }
  const std::vector<std::int64_t> order = order_of(input.parts, habits.order);
  const std::int64_t rows = habits.rows_of_whole_tiles ? input.m / tile * tile : input.m;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < input.n; ++column) {
      if (habits.grid_swapped &&
          (row / tile >= divided_up(input.n, tile) || column / tile >= divided_up(input.m, tile)))
        continue;
      float all = 0;  // as the kernel adds, where the order matters
      for (const std::int64_t part : order) {
        if (habits.empty_parts_left_out && part * length >= end) continue;
        const auto sum = static_cast<float>(sums[place((part * input.m + row) * input.n + column)]);
        all = habits.last_part_alone ? sum : all + sum;
      }
      outcome.numbers[place(row * (input.n + (habits.c_dense ? 0 : input.c_gap)) + column)] = all;
    }
  }
  if (habits.sums_untouched) std::ranges::fill(sums, KernelOutcome::untouched);
  if (with_sums) outcome.numbers.insert(outcome.numbers.end(), sums.begin(), sums.end());
  return outcome;
}

std::string place_of(const GemmKernelInput& input, std::size_t i) {
  auto at = static_cast<std::int64_t>(i);
  const std::int64_t stride = input.n + input.c_gap;
  if (at < input.c_size()) return fmt::format("C[{}, {}]", at / stride, at % stride);
  at -= input.c_size();
  return fmt::format("sums[{}, {}, {}]", at / input.n / input.m, at / input.n % input.m, at % input.n);
}

using Run = std::function<KernelOutcome(const GemmKernelInput&)>;

FunctionCheck<GemmKernelInput, KernelOutcome> gemm_check(std::string name, std::string what, bool with_sums) {
  using Input = GemmKernelInput;
  auto check = kernel_check<Input>(14, std::move(name), std::move(what), place_of);
  const auto with = [with_sums](GemmHabits habits) -> Run {
    return [habits, with_sums](const Input& input) { return product(input, habits, with_sums); };
  };
  check.oracle = with({});
  check.mistakes = {
      kernel_mistake<Input>(
          "gemm_w_transposed", "W read as [K, N]; weights are [N, K], one row per output",
          with({.w_transposed = true}),
          {with({.w_transposed_with_stride = true}), with({.w_transposed = true, .scattered = true}),
           with({.w_transposed_with_stride = true, .scattered = true})}),
      kernel_mistake<Input>("gemm_w_with_stride_of_a",
                            "w's rows read as far apart as a's; each has its own stride",
                            with({.stride_of_a = true})),
      kernel_mistake<Input>("gemm_a_without_stride", "a's rows read k numbers apart; they are a_stride apart",
                            with({.a_dense = true})),
      kernel_mistake<Input>("gemm_c_without_stride",
                            "c's rows written n numbers apart; they are c_stride apart",
                            with({.c_dense = true}))};
  return check;
}

/// Of a kernel that does this where the condition holds, and is right elsewhere.
Run faulty_where(KernelFault fault, std::function<bool(const GemmKernelInput&)> condition, bool with_sums) {
  return [fault, condition = std::move(condition), with_sums](const GemmKernelInput& input) {
    return condition(input) ? faulty(fault) : product(input, {}, with_sums);
  };
}

bool sides_have_remainders(const GemmKernelInput& input) {
  return input.m % tile != 0 || input.n % tile != 0;
}
bool has_remainders(const GemmKernelInput& input) {
  return sides_have_remainders(input) || input.k % tile != 0;
}

}  // namespace

std::vector<double> GemmKernelInput::a() const {
  if (order_matters) return Numbers(place(k), 1);
  return whole_rows(m, k, a_gap, 0);
}
std::vector<double> GemmKernelInput::w() const {
  // From 2^25 on an odd number is rounded. In order none is met in these three rows; backwards, in pairs or with the last
  // part first there is one.
  constexpr double p25 = 1 << 25, p26 = 1 << 26;
  if (order_matters)
    return {p25, -p25, 1, 0, 0, 0, 0, 0, p25, -p25, 0, 0, 0, 0, 0, 1, -3, 0, 3, p26, -p26, 0, 0, 0};
  return whole_rows(n, k, w_gap, 100);
}

FunctionCheck<GemmKernelInput, KernelOutcome> tiled_gemm_check() {
  using Input = GemmKernelInput;
  auto check = gemm_check("tiled_gemm", "C = A · Wᵀ by a kernel with tiles in shared memory", false);
  check.cases = {{"one", "1 × 1 × 1", {1, 1, 1}},
                 {"tile", "32 × 32 × 32", {32, 32, 32}},
                 {"short", "32 × 32 × 20: k ends within a tile", {32, 32, 20}},
                 {"two-rounds", "32 × 32 × 64: two tiles along k", {32, 32, 64}},
                 {"blocks", "64 × 96 × 32: six tiles of C", {64, 96, 32}},
                 {"ragged", "33 × 35 × 37", {33, 35, 37}},
                 {"one-row", "1 × 67 × 129", {1, 67, 129}},
                 {"gaps", "33 × 21 × 40, rows further apart than they are long", {33, 21, 40, 3, 5, 2}},
                 {"primes", "61 × 31 × 101", {61, 31, 101}},
                 {"counted",
                  "64 × 64 × 64, and the requests are counted",
                  {.m = 64, .n = 64, .k = 64, .counted = true}}};
  const auto with = [](GemmHabits habits) -> Run {
    return [habits](const Input& input) { return product(input, habits, false); };
  };
  const auto add = [&](std::string name, std::string sentence, Run run, std::vector<Run> also = {}) {
    check.mistakes.push_back(
        kernel_mistake<Input>(std::move(name), std::move(sentence), std::move(run), std::move(also)));
  };
  add("gemm_k_tail_dropped", "k rounded down to whole tiles of 32; what is left over belongs to the sum",
      with({.k_step = tile}));
  add("gemm_row_tail_dropped", "rows behind the last whole tile of 32 not written",
      with({.rows_of_whole_tiles = true}));
  // A store past the end is told by the access that was found.
  add("gemm_store_unguarded",
      "C is written past its last row or column; a thread whose number lies outside has nothing to store",
      [](const Input& input) {
        KernelOutcome outcome =
            sides_have_remainders(input) ? faulty(KernelFault::out_of_bounds) : product(input, {}, false);
        outcome.by_store = sides_have_remainders(input);
        return outcome;
      });
  add("gemm_threads_leave",
      "threads whose row or column lies outside C have left, or bring nothing to the tiles; they, too, fill "
      "the tiles and come to the barriers",
      faulty_where(KernelFault::uninitialised, sides_have_remainders, false));
  add("gemm_tiles_unguarded",
      "what lies behind the last row, column or k is reached for; where the matrix ends, a tile gets a 0",
      faulty_where(KernelFault::out_of_bounds, has_remainders, false),
      {faulty_where(KernelFault::out_of_bounds, sides_have_remainders, false)});
  add("gemm_gaps_read",
      "what lies between two rows of A or of W is read and multiplied by 0; there may be anything, and 0 "
      "times NaN is NaN",
      with({.w_gaps_read = true}),
      {with({.a_gaps_read = true}), with({.a_gaps_read = true, .w_gaps_read = true})});
  add("gemm_w_tile_turned",
      "w_tile[d][x] for w_tile[x][d]; a column of C is a row of W, and so a row of its tile",
      with({.w_tile_turned = true}));
  add("gemm_w_rows_of_block_row", "w's rows taken from the block's y; they are C's columns, the block's x",
      with({.w_rows_of_block_row = true}));
  add("gemm_grid_swapped", "the grid's x along C's rows; x goes along the columns, y along the rows",
      with({.grid_swapped = true}));
  add("gemm_last_round_alone", "the sum begins anew in each round; it goes on over all of k",
      with({.last_round_alone = true}));
  add("gemm_tiles_not_filled", "where the matrix ends, the tile keeps what lay there before; it gets a 0",
      faulty_where(KernelFault::uninitialised, has_remainders, false));
  add("gemm_tiles_not_awaited",
      "a thread reads from the tiles what another may not have written yet; a barrier belongs between",
      [](const Input&) { return faulty(KernelFault::race); });
  add("gemm_tiles_overwritten",
      "the next round's numbers go into the tiles while other threads may still read this round's; a second "
      "barrier belongs between",
      faulty_where(
          KernelFault::race, [](const Input& input) { return input.k > tile; }, false));
  add("gemm_without_tiles",
      "right, but each number of C has its row of A and of W read again; a block shares them in tiles",
      with({.reread = true, .scattered = true, .without_tile = true}),
      {with({.reread = true, .without_tile = true}), with({.without_tile = true})});
  add("gemm_tiles_read_again",
      "right, but more is asked of memory than tiles of 32 × 32 take: a smaller tile, one matrix alone has "
      "one, or a number is loaded twice",
      with({.reread = true}),
      {with({.reread = true, .scattered = true}), with({.reread = true, .fills_again = true}),
       with({.reread = true, .scattered = true, .fills_again = true})});
  add("gemm_c_each_round",
      "right, but C is written in each round; the sum stays in a register until the last one",
      with({.stores_again = true}), {with({.reread = true, .stores_again = true})});
  add("gemm_tiles_filled_again",
      "right, but shared memory gets more than the numbers of the tiles: a round too many, or the sums, "
      "which belong in registers",
      with({.fills_again = true}));
  add("gemm_few_warps",
      "right, but a few warps fill the tiles while the others wait; each thread brings its numbers",
      with({.few_warps = true}), {with({.scattered = true, .few_warps = true})});
  add("gemm_few_lanes", few_lanes_work, with({.few_lanes = true}),
      {with({.few_lanes = true, .few_warps = true}),
       with({.scattered = true, .few_lanes = true, .few_warps = true}),
       with({.few_lanes = true, .without_tile = true}), with({.scattered = true, .few_lanes = true}),
       with({.scattered = true, .few_lanes = true, .without_tile = true})});
  add("gemm_scattered",
      "right, but a warp reads down a column of A or of W: a sector is moved for each number",
      with({.scattered = true}));
  return check;
}

FunctionCheck<GemmKernelInput, KernelOutcome> split_gemm_check() {
  using Input = GemmKernelInput;
  auto check = gemm_check("split_gemm", "C = A · Wᵀ with k in parts that are added in order", true);
  check.cases = {
      {"one", "1 × 1 × 1, one part", {1, 1, 1}},
      {"two", "1 × 5 × 8, two parts", {1, 5, 8, 0, 0, 0, 2}},
      {"decode", "1 × 200 × 96, four parts, and atomics are counted", {1, 200, 96, 0, 0, 0, 4, true}},
      {"counted",
       "1 × 64 × 192, sixteen parts, and requests and blocks are counted",
       {1, 64, 192, 0, 0, 0, 16, true}},
      {"one-number", "1 × 1 × 192, sixteen parts, and blocks are counted", {1, 1, 192, 0, 0, 0, 16, true}},
      {"order",
       "1 × 3 × 8, eight parts whose sum depends on the order",
       {.m = 1, .n = 3, .k = 8, .parts = 8, .order_matters = true}},
      {"uneven", "3 × 67 × 101, four parts", {3, 67, 101, 0, 0, 0, 4}},
      {"more-parts-than-k", "2 × 3 × 5, eight parts", {2, 3, 5, 0, 0, 0, 8}},
      {"gaps", "4 × 9 × 50, three parts, rows further apart than they are long", {4, 9, 50, 3, 5, 2, 3}}};
  const auto with = [](GemmHabits habits) -> Run {
    return [habits](const Input& input) { return product(input, habits, true); };
  };
  const auto add = [&](std::string name, std::string sentence, Run run, std::vector<Run> also = {}) {
    check.mistakes.push_back(
        kernel_mistake<Input>(std::move(name), std::move(sentence), std::move(run), std::move(also)));
  };
  add("gemm_remainder_dropped", "k / parts numbers in each part; what is left over belongs to the sum, too",
      with({.remainder_dropped = true}));
  add("gemm_last_part_alone", "only the last part's sum is in C; all parts' sums belong there",
      with({.last_part_alone = true}));
  add("gemm_parts_out_of_order",
      "the parts are added in another order than theirs; sums of floats depend on it, in the last bits",
      with({.order = PartOrder::backwards}),
      {with({.order = PartOrder::last_first}), with({.order = PartOrder::even_first})});
  add("gemm_empty_parts_unwritten",
      "`sums` of a part without any k keeps what lay there before; an empty part's sums are 0",
      with({.empty_parts_unwritten = true}),
      {with({.empty_parts_unwritten = true, .empty_parts_left_out = true})});
  add("gemm_parts_at_one_place",
      "the blocks of several parts write to one place; each part needs a place of its own",
      faulty_where(
          KernelFault::race_across_blocks, [](const Input& input) { return input.parts > 1; }, true));
  add("gemm_part_past_k", "the last part is taken to be as long as the others; it ends where k does",
      faulty_where(
          KernelFault::out_of_bounds,
          [](const Input& input) { return divided_up(input.k, input.parts) * input.parts > input.k; }, true));
  add("gemm_columns_unguarded", "threads behind the last column are not stopped; they reach past the end",
      [](const Input&) { return faulty(KernelFault::out_of_bounds); });
  add("gemm_not_split", "C is right, but `sums` does not hold the parts' sums; k is not in parts",
      with({.sums_untouched = true, .few_blocks = true, .last_reads_more = true}),
      {with({.sums_untouched = true}), with({.sums_untouched = true, .few_blocks = true}),
       with({.sums_untouched = true, .last_reads_more = true})});
  add("gemm_atomics",
      "parts are added by atomics, in an order that nobody knows; a second kernel adds them in theirs",
      with({.sums_untouched = true, .atomics = true, .last_reads_more = true}),
      {with({.sums_untouched = true, .atomics = true}), with({.atomics = true}),
       with({.atomics = true, .last_reads_more = true})});
  add("gemm_few_lanes", few_lanes_work, with({.few_lanes = true}),
      {with({.few_lanes = true, .few_blocks = true}), with({.few_lanes = true, .last_reads_more = true}),
       with({.few_lanes = true, .few_blocks = true, .last_reads_more = true})});
  // With blocks of few threads there may be as many blocks as parts where the parts are few.
  const auto where_parts_are_many = [with](GemmHabits habits) -> Run {
    return [habits, with](const Input& input) {
      GemmHabits here = habits;
      here.few_blocks = habits.few_blocks && input.parts > 8;
      return with(here)(input);
    };
  };
  // And with a block for each number of C there are many where C has many.
  const auto where_c_is_small = [with](const Input& input) {
    return with({.few_blocks = input.m * input.n < input.parts})(input);
  };
  add("gemm_parts_in_one_block",
      "right, but one block sums up several parts, one after the other; each part has blocks of its own",
      with({.few_blocks = true}),
      {with({.few_blocks = true, .last_reads_more = true}), where_parts_are_many({.few_blocks = true}),
       where_c_is_small, where_parts_are_many({.few_blocks = true, .last_reads_more = true})});
  add("gemm_sums_not_added",
      "right, but C is not added from the parts' sums; a second kernel reads them, and neither A nor W",
      with({.last_reads_more = true}), {with({.reread = true, .last_reads_more = true})});
  return check;
}

}  // namespace rung::check
