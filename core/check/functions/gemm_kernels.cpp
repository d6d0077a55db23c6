#include <algorithm>
#include <array>
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

struct GemmHabits {
  bool w_transposed = false, w_transposed_with_stride = false, stride_of_a = false, c_dense = false;
  bool remainder_dropped = false, last_part_alone = false, rows_of_whole_tiles = false;
  bool sums_untouched = false;  ///< the sums of the parts are kept elsewhere, or there are no parts
  // Where the case is counted:
  bool reread = false, scattered = false, few_lanes = false, without_tile = false, atomics = false;
  bool few_blocks = false, last_reads_more = false;
  std::int64_t k_step = 1;  ///< k rounded down to a multiple
};

/// Where the number of W that belongs to k and a column of C is looked for.
std::int64_t place_in_w(const GemmKernelInput& input, const GemmHabits& habits, std::int64_t column,
                        std::int64_t k) {
  if (habits.w_transposed) return k * input.n + column;
  if (habits.w_transposed_with_stride) return k * (input.k + input.w_gap) + column;
  return column * (input.k + (habits.stride_of_a ? input.a_gap : input.w_gap)) + k;
}

/// C, and behind it the parts' sums where `with_sums`.
KernelOutcome product(const GemmKernelInput& input, const GemmHabits& habits, bool with_sums) {
  const Numbers a = input.a();
  const Numbers w = input.w();
  KernelOutcome outcome{.numbers = Numbers(place(input.c_size()), KernelOutcome::untouched),
                        .scattered = habits.scattered && input.counted,
                        .few_lanes = habits.few_lanes && input.counted,
                        .reread = habits.reread && input.counted,
                        .atomics = habits.atomics && input.counted,
                        .without_tile = habits.without_tile && input.counted,
                        .few_blocks = habits.few_blocks && input.counted,
                        .last_reads_more = habits.last_reads_more && input.counted};
  Numbers sums;
  const std::int64_t end = input.k - input.k % habits.k_step;
  const std::int64_t length = habits.remainder_dropped ? end / input.parts : divided_up(end, input.parts);
  const std::int64_t rows = habits.rows_of_whole_tiles ? input.m / tile * tile : input.m;
  for (std::int64_t part = 0; part < input.parts; ++part) {
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < input.n; ++column) {
        double sum = 0;
        for (std::int64_t k = part * length; k < std::min((part + 1) * length, end); ++k) {
          const std::size_t w_place = place(place_in_w(input, habits, column, k));
          if (w_place >= w.size()) return faulty(KernelFault::out_of_bounds);
          sum += a[place(row * (input.k + input.a_gap) + k)] * w[w_place];
        }
        const std::int64_t c_stride = input.n + (habits.c_dense ? 0 : input.c_gap);
        double& c = outcome.numbers[place(row * c_stride + column)];
        c = sum + (part == 0 || habits.last_part_alone ? 0 : c);
        sums.push_back(habits.sums_untouched ? KernelOutcome::untouched : sum);
      }
    }
  }
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

bool has_remainders(const GemmKernelInput& input) {
  return input.m % tile != 0 || input.n % tile != 0 || input.k % tile != 0;
}

/// @param a_order  which 8 × 8 quarter of A is taken for each, in the order of its registers
KernelOutcome tile_product(const MmaTileInput& input, const std::array<std::size_t, 4>& a_order,
                           bool w_swapped, bool c_columns) {
  KernelOutcome outcome{.numbers = Numbers(16 * 8, 0)};
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      double sum = 0;
      for (std::size_t k = 0; k < 16; ++k) {
        const std::size_t from = a_order[row / 8 + k / 8 * 2];
        const double a = input.a[(row % 8 + from % 2 * 8) * 16 + k % 8 + from / 2 * 8];
        const std::size_t w_k = w_swapped ? (k + 8) % 16 : k;
        sum += a * input.w[column * 16 + w_k];
      }
      // Columns 2t, 2t + 1 stored as t, t + 4.
      outcome.numbers[row * 8 + (c_columns ? column / 2 + column % 2 * 4 : column)] = sum;
    }
  }
  return outcome;
}

MmaTileInput one_hot(std::size_t row, std::size_t k, std::size_t column) {
  MmaTileInput input{.a = Numbers(256, 0), .w = Numbers(128, 0)};
  input.a[row * 16 + k] = 3;
  input.w[column * 16 + k] = 5;
  return input;
}

}  // namespace

std::vector<double> GemmKernelInput::a() const {
  return whole_rows(m, k, a_gap, 0);
}
std::vector<double> GemmKernelInput::w() const {
  return whole_rows(n, k, w_gap, 100);
}

FunctionCheck<GemmKernelInput, KernelOutcome> tiled_gemm_check() {
  using Input = GemmKernelInput;
  auto check = gemm_check("tiled_gemm", "C = A · Wᵀ by a kernel with tiles in shared memory", false);
  check.cases = {{"one", "1 × 1 × 1", {1, 1, 1}},
                 {"tile", "32 × 32 × 32", {32, 32, 32}},
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
  add("gemm_tiles_unguarded",
      "what lies behind the last row, column or k is reached for; where the matrix ends, a tile gets a 0",
      faulty_where(KernelFault::out_of_bounds, has_remainders, false));
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
      "right, but more is asked of memory than tiles of 32 × 32 take: a smaller tile, or one matrix alone "
      "has one",
      with({.reread = true}), {with({.reread = true, .scattered = true})});
  add("gemm_few_lanes", few_lanes_work, with({.few_lanes = true}),
      {with({.few_lanes = true, .without_tile = true}), with({.scattered = true, .few_lanes = true}),
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
  add("gemm_parts_in_one_block",
      "right, but one block sums up several parts, one after the other; each part has blocks of its own",
      with({.few_blocks = true}),
      {with({.few_blocks = true, .last_reads_more = true}), where_parts_are_many({.few_blocks = true}),
       where_parts_are_many({.few_blocks = true, .last_reads_more = true})});
  add("gemm_sums_not_added",
      "right, but C is not added from the parts' sums; a second kernel reads them, and neither A nor W",
      with({.last_reads_more = true}), {with({.reread = true, .last_reads_more = true})});
  return check;
}

FunctionCheck<MmaTileInput, KernelOutcome> mma_tile_check() {
  using Input = MmaTileInput;
  auto check =
      kernel_check<Input>(14, "mma_tile", "one mma.sync of a warp, its registers filled and stored by hand",
                          [](const Input&, std::size_t i) { return fmt::format("C[{}, {}]", i / 8, i % 8); });
  Input all{.a = {}, .w = {}, .counted = true};
  for (std::int64_t i = 0; i < 256; ++i) all.a.push_back(whole(i / 16, i % 16));
  for (std::int64_t i = 0; i < 128; ++i) all.w.push_back(whole(i / 16 + 50, i % 16));
  check.cases = {{"corner", "a 3 in A[0, 0] and a 5 in W[0, 0]", one_hot(0, 0, 0)},
                 {"row-8", "in A[8, 0] and W[0, 0]", one_hot(8, 0, 0)},
                 {"k-8", "in A[0, 8] and W[0, 8]", one_hot(0, 8, 0)},
                 {"inside", "in A[13, 5] and W[6, 5]", one_hot(13, 5, 6)},
                 {"all", "whole numbers everywhere, and instructions are counted", all}};
  check.oracle = [](const Input& input) { return tile_product(input, {0, 1, 2, 3}, false, false); };
  const auto mistake = [](std::string name, std::string sentence, std::array<std::size_t, 4> a_order,
                          bool w_swapped, bool c_columns) {
    return kernel_mistake<Input>(std::move(name), std::move(sentence), [=](const Input& input) {
      return tile_product(input, a_order, w_swapped, c_columns);
    });
  };
  // Right, with these findings of the counters.
  const auto with_counts = [](const KernelOutcome& findings) -> std::function<KernelOutcome(const Input&)> {
    return [findings](const Input& input) {
      KernelOutcome outcome = input.counted ? findings : KernelOutcome{};
      outcome.numbers = tile_product(input, {0, 1, 2, 3}, false, false).numbers;
      return outcome;
    };
  };
  check.mistakes = {
      mistake(
          "mma_a_registers_1_and_2",
          "a's registers 1 and 2 swapped; register 1 is 8 rows further down, register 2 is 8 further along k",
          {0, 2, 1, 3}, false, false),
      mistake("mma_a_rows_swapped", "a's rows g and g + 8 swapped", {1, 0, 3, 2}, false, false),
      mistake("mma_w_halves_swapped", "w's registers swapped; register 0 holds k = 2t and 2t + 1",
              {0, 1, 2, 3}, true, false),
      mistake("mma_columns_apart",
              "a lane's sums stored in columns t and t + 4; they are neighbours, 2t and 2t + 1", {0, 1, 2, 3},
              false, true),
      kernel_mistake<Input>(
          "mma_by_hand", "right, but not by one instruction of the tensor cores, which does all of it",
          with_counts({.numbers = {}, .reread = true, .tensor = true}),
          {with_counts({.numbers = {}, .tensor = true}), with_counts({.numbers = {}, .reread = true})}),
      kernel_mistake<Input>("mma_one_lane", "right, but one lane works alone; all 32 have a part of the tile",
                            with_counts({.numbers = {}, .few_lanes = true, .tensor = true}),
                            {with_counts({.numbers = {}, .few_lanes = true})}),
      kernel_mistake<Input>("mma_lanes_at_one_place",
                            "two lanes store to one place of C; each has four sums of its own",
                            [](const Input&) { return faulty(KernelFault::race); })};
  return check;
}

}  // namespace rung::check
