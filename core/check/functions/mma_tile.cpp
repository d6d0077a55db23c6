#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/gemm.h"
#include "core/check/functions/kernel_check.h"
#include "core/check/functions/whole_rows.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

/// Where a lane's four sums are stored.
enum class SumPlaces : std::uint8_t { right, columns_apart, two_swapped };

/// @param a_order  which 8 × 8 quarter of A is taken for each, in the order of its registers
KernelOutcome tile_product(const MmaTileInput& input, const std::array<std::size_t, 4>& a_order,
                           bool w_swapped, SumPlaces places) {
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
      std::size_t to = row * 8 + column;
      // Columns 2t, 2t + 1 stored as t, t + 4.
      if (places == SumPlaces::columns_apart) to = row * 8 + column / 2 + column % 2 * 4;
      // Number 1, of the neighbouring column, stored 8 rows further down, and number 2 beside.
      if (places == SumPlaces::two_swapped) to = (row % 8 + column % 2 * 8) * 8 + column / 2 * 2 + row / 8;
      outcome.numbers[to] = sum;
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
  check.oracle = [](const Input& input) {
    return tile_product(input, {0, 1, 2, 3}, false, SumPlaces::right);
  };
  const auto mistake = [](std::string name, std::string sentence, std::array<std::size_t, 4> a_order,
                          bool w_swapped, SumPlaces places) {
    return kernel_mistake<Input>(std::move(name), std::move(sentence), [=](const Input& input) {
      return tile_product(input, a_order, w_swapped, places);
    });
  };
  // Right, with these findings of the counters.
  const auto with_counts = [](const KernelOutcome& findings) -> std::function<KernelOutcome(const Input&)> {
    return [findings](const Input& input) {
      KernelOutcome outcome = input.counted ? findings : KernelOutcome{};
      outcome.numbers = tile_product(input, {0, 1, 2, 3}, false, SumPlaces::right).numbers;
      return outcome;
    };
  };
  check.mistakes = {
      mistake(
          "mma_a_registers_1_and_2",
          "a's registers 1 and 2 swapped; register 1 is 8 rows further down, register 2 is 8 further along k",
          {0, 2, 1, 3}, false, SumPlaces::right),
      mistake("mma_a_rows_swapped", "a's rows g and g + 8 swapped", {1, 0, 3, 2}, false, SumPlaces::right),
      mistake("mma_w_halves_swapped", "w's registers swapped; register 0 holds k = 2t and 2t + 1",
              {0, 1, 2, 3}, true, SumPlaces::right),
      mistake("mma_columns_apart",
              "a lane's sums stored in columns t and t + 4; they are neighbours, 2t and 2t + 1", {0, 1, 2, 3},
              false, SumPlaces::columns_apart),
      mistake("mma_sums_1_and_2",
              "a lane's sums 1 and 2 swapped; sum 1 is the neighbouring column, sum 2 is 8 rows further down",
              {0, 1, 2, 3}, false, SumPlaces::two_swapped),
      kernel_mistake<Input>(
          "mma_by_hand", "right, but not by one instruction of the tensor cores, which does all of it",
          with_counts({.numbers = {}, .reread = true, .tensor = true}),
          {with_counts({.numbers = {}, .tensor = true}), with_counts({.numbers = {}, .reread = true})}),
      kernel_mistake<Input>("mma_one_lane", "right, but one lane works alone; all 32 have a part of the tile",
                            with_counts({.numbers = {}, .few_lanes = true, .tensor = true}),
                            {with_counts({.numbers = {}, .few_lanes = true})}),
      kernel_mistake<Input>(
          "mma_lanes_left_out",
          "the instruction is not called by all 32 lanes: an `if` or a return before it leaves "
          "some out, or the block has fewer",
          [](const Input&) { return faulty(KernelFault::missing_lane); }),
      kernel_mistake<Input>("mma_lanes_at_one_place",
                            "two lanes store to one place of C; each has four sums of its own",
                            [](const Input&) { return faulty(KernelFault::race); })};
  return check;
}

}  // namespace rung::check
