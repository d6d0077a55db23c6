#include "core/check/functions/gemm.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/whole_rows.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

std::int64_t divided_up(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// What a tiled product moves.

struct TrafficHabits {
  bool rounded_down = false, c_forgotten = false, a_once = false, sides_swapped = false, tiles_whole = false,
       number_of_four = false;
};

std::int64_t traffic(const GemmTrafficInput& input, const TrafficHabits& habits) {
  const auto tiles = [&](std::int64_t count, std::int64_t size) {
    return habits.rounded_down ? count / size : divided_up(count, size);
  };
  std::int64_t down = tiles(input.m, input.tile_rows);
  std::int64_t across = tiles(input.n, input.tile_columns);
  const std::int64_t m = habits.tiles_whole ? down * input.tile_rows : input.m;
  const std::int64_t n = habits.tiles_whole ? across * input.tile_columns : input.n;
  if (habits.sides_swapped) std::swap(down, across);
  const std::int64_t numbers = m * input.k * (habits.a_once ? 1 : across) + n * input.k * down +
                               (habits.c_forgotten ? 0 : input.m * input.n);
  return numbers * (habits.number_of_four ? 4 : input.number_bytes);
}

// Banks.

struct BankHabits {
  bool same_word_waits = false, bytes_as_words = false, whole_warp = false, sixteen_banks = false,
       neighbours_share = false, averaged = false;
};

std::int64_t count_wavefronts(const WavefrontsInput& input, const BankHabits& habits) {
  const std::size_t at_once = input.bytes_per_lane == 16 && !habits.whole_warp ? 8 : 32;
  std::int64_t total = 0;
  for (std::size_t first = 0; first < input.addresses.size(); first += at_once) {
    std::array<std::multiset<std::int64_t>, 32> banks;
    std::optional<std::int64_t> before;
    for (std::size_t lane = first; lane < std::min(first + at_once, input.addresses.size()); ++lane) {
      const std::int64_t word = input.addresses[lane] / (habits.bytes_as_words ? 1 : 4);
      for (std::int64_t i = 0; i < input.bytes_per_lane / 4; ++i) {
        auto& bank = banks[static_cast<std::size_t>((word + i) % (habits.sixteen_banks ? 16 : 32))];
        const bool shared = habits.neighbours_share ? before == word : bank.contains(word + i);
        if (habits.same_word_waits || !shared) bank.insert(word + i);
      }
      before = word;
    }
    std::size_t most = 0, words = 0, used = 0;
    for (const auto& bank : banks) {
      most = std::max(most, bank.size());
      words += bank.size();
      used += bank.empty() ? 0 : 1;
    }
    total += static_cast<std::int64_t>(habits.averaged ? words / used : most);
  }
  return total;
}

WavefrontsInput lanes(int bytes, const std::function<std::int64_t(std::int64_t)>& address,
                      std::int64_t count = 32) {
  WavefrontsInput input{.addresses = {}, .bytes_per_lane = bytes};
  for (std::int64_t lane = 0; lane < count; ++lane) input.addresses.push_back(address(lane));
  return input;
}

// Products.

struct GemmHabits {
  bool w_transposed = false, stride_of_a = false, c_dense = false, remainder_dropped = false,
       last_part_alone = false, rows_of_whole_tiles = false;
  std::int64_t k_step = 1;  ///< k rounded down to a multiple
};

Numbers product(const GemmKernelInput& input, const GemmHabits& habits) {
  const Numbers a = input.a();
  const Numbers w = input.w();
  const std::int64_t c_stride = input.n + input.c_gap;
  Numbers c(static_cast<std::size_t>((input.m - 1) * c_stride + input.n), GemmKernelInput::untouched);
  const auto at = [](const Numbers& numbers, std::int64_t i) {
    return i < static_cast<std::int64_t>(numbers.size()) ? numbers[static_cast<std::size_t>(i)] : 0.0;
  };
  std::int64_t begin = 0;
  std::int64_t end = input.k - input.k % habits.k_step;
  if (habits.remainder_dropped) end = input.k / input.parts * input.parts;
  if (habits.last_part_alone) begin = std::min(end, divided_up(input.k, input.parts) * (input.parts - 1));
  const std::int64_t rows = habits.rows_of_whole_tiles ? input.m / 32 * 32 : input.m;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < input.n; ++column) {
      double sum = 0;
      for (std::int64_t k = begin; k < end; ++k) {
        const std::int64_t w_stride = input.k + (habits.stride_of_a ? input.a_gap : input.w_gap);
        sum += at(a, row * (input.k + input.a_gap) + k) *
               at(w, habits.w_transposed ? k * input.n + column : column * w_stride + k);
      }
      const std::int64_t place = row * (habits.c_dense ? input.n : c_stride) + column;
      c[static_cast<std::size_t>(place)] = sum;
    }
  }
  return c;
}

std::string show_numbers(const Numbers& numbers) {
  constexpr std::size_t most = 8;
  const std::size_t count = std::min(most, numbers.size());
  return fmt::format("{}{}",
                     fmt::join(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count), " "),
                     numbers.size() > most ? " …" : "");
}

/// @param stride  of C's rows; 0: not known
std::string first_difference(const Numbers& found, const Numbers& expected, std::int64_t stride) {
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    if (found[i] == expected[i]) continue;
    const auto at = static_cast<std::int64_t>(i);
    const std::string place = stride > 0 ? fmt::format("C[{}, {}]", at / stride, at % stride)
                                         : fmt::format("number {} of C's memory", at);
    if (expected[i] == GemmKernelInput::untouched)
      return fmt::format("{} lies between two rows and was written: {}", place, found[i]);
    if (found[i] == GemmKernelInput::untouched) return fmt::format("{} was not written", place);
    return fmt::format("{} is {}, expected {}", place, found[i], expected[i]);
  }
  return "";
}

FunctionMistake<GemmKernelInput, Numbers> gemm_mistake(std::string name, std::string sentence,
                                                       GemmHabits habits) {
  return {std::move(name), std::move(sentence),
          [habits](const GemmKernelInput& input) { return product(input, habits); }};
}

FunctionCheck<GemmKernelInput, Numbers> gemm_check(std::string name, std::string what) {
  FunctionCheck<GemmKernelInput, Numbers> check;
  check.name = std::move(name);
  check.chapter = 14;
  check.what = std::move(what);
  check.oracle = [](const GemmKernelInput& input) { return product(input, {}); };
  check.show = show_numbers;
  check.mistakes = {
      gemm_mistake("gemm_w_transposed", "W read as [K, N]; weights are [N, K], one row per output",
                   {.w_transposed = true}),
      gemm_mistake("gemm_w_with_stride_of_a", "w's rows read as far apart as a's; each has its own stride",
                   {.stride_of_a = true}),
      gemm_mistake("gemm_c_without_stride", "c's rows written n numbers apart; they are c_stride apart",
                   {.c_dense = true}),
  };
  return check;
}

/// @param a_order  which 8 × 8 quarter of A is taken for each, in the order of its registers
Numbers tile_product(const MmaTileInput& input, const std::array<std::size_t, 4>& a_order, bool w_swapped,
                     bool c_columns) {
  Numbers c(16 * 8, 0);
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
      const std::size_t place = c_columns ? column / 2 + column % 2 * 4 : column;
      c[row * 8 + place] = sum;
    }
  }
  return c;
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

FunctionCheck<GemmTrafficInput, std::int64_t> gemm_traffic_check() {
  FunctionCheck<GemmTrafficInput, std::int64_t> check;
  check.name = "gemm_traffic";
  check.chapter = 14;
  check.what = "bytes that the blocks of a tiled product read and write";
  check.cases = {
      {"one", "1 × 1 × 1, tiles of 1 × 1", {1, 1, 1, 1, 1, 4}},
      {"one-tile", "32 × 32 × 64, tiles of 32 × 32", {32, 32, 64, 32, 32, 4}},
      {"wide", "64 × 96 × 10, tiles of 32 × 32", {64, 96, 10, 32, 32, 4}},
      {"oblong", "64 × 96 × 10, tiles of 16 × 48, two bytes", {64, 96, 10, 16, 48, 2}},
      {"ragged", "33 × 127 × 31, tiles of 32 × 64", {33, 127, 31, 32, 64, 4}},
      {"decode", "1 × 576 × 1536, tiles of 16 × 64, two bytes", {1, 576, 1536, 16, 64, 2}},
      {"large", "4096 × 4096 × 4096, tiles of 128 × 128, two bytes", {4096, 4096, 4096, 128, 128, 2}}};
  check.oracle = [](const GemmTrafficInput& input) { return traffic(input, {}); };
  check.show = [](std::int64_t bytes) { return fmt::format("{} bytes", bytes); };
  const auto mistake = [](std::string name, std::string sentence, TrafficHabits habits) {
    return FunctionMistake<GemmTrafficInput, std::int64_t>{
        std::move(name), std::move(sentence),
        [habits](const GemmTrafficInput& input) { return traffic(input, habits); }};
  };
  check.mistakes = {
      mistake("traffic_tiles_rounded_down", "tiles counted rounded down; what is left over is a tile, too",
              {.rounded_down = true}),
      mistake("traffic_c_forgotten", "C is not counted; each of its numbers is written once",
              {.c_forgotten = true}),
      mistake("traffic_a_read_once", "A counted once; each column of tiles reads it", {.a_once = true}),
      mistake(
          "traffic_sides_swapped",
          "A counted once for each row of tiles; it is read once for each column of tiles, W for each row",
          {.sides_swapped = true}),
      mistake("traffic_edges_whole", "tiles at the edges counted whole; outside the matrices nothing is read",
              {.tiles_whole = true}),
      mistake("traffic_four_bytes", "four bytes a number; fp16 and bf16 have two", {.number_of_four = true})};
  return check;
}

FunctionCheck<WavefrontsInput, std::int64_t> wavefronts_check() {
  FunctionCheck<WavefrontsInput, std::int64_t> check;
  check.name = "wavefronts";
  check.chapter = 14;
  check.what = "passes of shared memory for one load of a warp";
  check.cases = {
      {"neighbours", "32 neighbouring words", lanes(4, [](std::int64_t l) { return 4 * l; })},
      {"one-word", "all lanes the same word", lanes(4, [](std::int64_t) { return 64; })},
      {"stride-2", "every other word", lanes(4, [](std::int64_t l) { return 8 * l; })},
      {"column", "a column of rows of 32 words", lanes(4, [](std::int64_t l) { return 128 * l; })},
      {"padded-column", "a column of rows of 33 words", lanes(4, [](std::int64_t l) { return 132 * l; })},
      {"sixteen-apart", "a column of rows of 16 words", lanes(4, [](std::int64_t l) { return 64 * l; })},
      {"pairs", "two lanes each word of a column of rows of 32",
       lanes(4, [](std::int64_t l) { return l / 2 * 128; })},
      {"chunks", "32 neighbouring chunks of 16 bytes", lanes(16, [](std::int64_t l) { return 16 * l; })},
      {"chunk-column", "the same chunk of rows of 4 chunks",
       lanes(16, [](std::int64_t l) { return 64 * l; })},
      {"padded-chunks", "the same chunk of rows of 5 chunks",
       lanes(16, [](std::int64_t l) { return 80 * l; })},
      {"swizzled-chunks", "chunk 1 of rows of 4 chunks, swizzled",
       lanes(16, [](std::int64_t l) { return 64 * l + 16 * (1 ^ (l / 2 % 4)); })},
      {"one-chunk", "all lanes the same chunk", lanes(16, [](std::int64_t) { return 48; })},
      {"one-busy-bank", "24 neighbouring words, and 8 words more in bank 0",
       lanes(4, [](std::int64_t l) { return l < 24 ? 4 * l : 128 * (l - 23); })},
      {"halves", "lane l the word of lane l + 16, in rows of 32",
       lanes(4, [](std::int64_t l) { return l % 16 * 128; })},
      {"twelve-lanes", "a column of rows of 32 words, by 12 lanes",
       lanes(
           4, [](std::int64_t l) { return 128 * l; }, 12)},
      {"twelve-chunks", "a chunk of rows of 4 chunks, by 12 lanes",
       lanes(
           16, [](std::int64_t l) { return 64 * l; }, 12)}};
  check.oracle = [](const WavefrontsInput& input) { return count_wavefronts(input, {}); };
  check.show = [](std::int64_t count) { return fmt::format("{} wavefronts", count); };
  const auto mistake = [](std::string name, std::string sentence, BankHabits habits) {
    return FunctionMistake<WavefrontsInput, std::int64_t>{
        std::move(name), std::move(sentence),
        [habits](const WavefrontsInput& input) { return count_wavefronts(input, habits); }};
  };
  check.mistakes = {
      mistake("banks_same_word_waits", "lanes that name the same word counted as a conflict; they share it",
              {.same_word_waits = true}),
      mistake("banks_of_bytes", "the address itself taken modulo 32; a bank is a word of 4 bytes wide",
              {.bytes_as_words = true}),
      mistake("banks_whole_warp", "16 bytes a lane served for the whole warp at once; it goes by eight lanes",
              {.whole_warp = true}),
      mistake(
          "banks_neighbours_share",
          "only neighbouring lanes share a word; lanes that name the same word share it wherever they are",
          {.neighbours_share = true}),
      mistake("banks_averaged",
              "words over banks; the bank with the most words decides, and the others wait for it",
              {.averaged = true}),
      mistake("banks_sixteen", "16 banks, as the first GPUs had; there are 32", {.sixteen_banks = true})};
  return check;
}

FunctionCheck<GemmKernelInput, std::vector<double>> tiled_gemm_check() {
  auto check = gemm_check("tiled_gemm", "C = A · Wᵀ by a kernel with tiles in shared memory");
  check.cases = {{"one", "1 × 1 × 1", {1, 1, 1}},
                 {"tile", "32 × 32 × 32", {32, 32, 32}},
                 {"two-rounds", "32 × 32 × 64: two tiles along k", {32, 32, 64}},
                 {"blocks", "64 × 96 × 32: six tiles of C", {64, 96, 32}},
                 {"ragged", "33 × 35 × 37", {33, 35, 37}},
                 {"one-row", "1 × 67 × 129", {1, 67, 129}},
                 {"gaps", "33 × 21 × 40, rows further apart than they are long", {33, 21, 40, 3, 5, 2}},
                 {"primes", "61 × 31 × 101", {61, 31, 101}}};
  check.difference = [](const Numbers& found, const Numbers& expected) {
    return first_difference(found, expected, 0);
  };
  check.mistakes.push_back(gemm_mistake(
      "gemm_k_tail_dropped", "k rounded down to whole tiles of 32; what is left over belongs to the sum",
      {.k_step = 32}));
  check.mistakes.push_back(gemm_mistake("gemm_row_tail_dropped",
                                        "rows behind the last whole tile of 32 not written",
                                        {.rows_of_whole_tiles = true}));
  return check;
}

FunctionCheck<GemmKernelInput, std::vector<double>> split_gemm_check() {
  auto check = gemm_check("split_gemm", "C = A · Wᵀ with k in parts that are added in order");
  check.cases = {
      {"one", "1 × 1 × 1, one part", {1, 1, 1}},
      {"two", "1 × 5 × 8, two parts", {1, 5, 8, 0, 0, 0, 2}},
      {"decode", "1 × 200 × 96, four parts", {1, 200, 96, 0, 0, 0, 4}},
      {"uneven", "3 × 67 × 101, four parts", {3, 67, 101, 0, 0, 0, 4}},
      {"more-parts-than-k", "2 × 3 × 5, eight parts", {2, 3, 5, 0, 0, 0, 8}},
      {"gaps", "4 × 9 × 50, three parts, rows further apart than they are long", {4, 9, 50, 3, 5, 2, 3}}};
  check.difference = [](const Numbers& found, const Numbers& expected) {
    return first_difference(found, expected, 0);
  };
  check.mistakes.push_back(gemm_mistake(
      "gemm_remainder_dropped", "k / parts numbers in each part; what is left over belongs to the sum, too",
      {.remainder_dropped = true}));
  check.mistakes.push_back(gemm_mistake(
      "gemm_last_part_alone", "only the last part's sum is in C; each part needs a place of its own",
      {.last_part_alone = true}));
  return check;
}

FunctionCheck<MmaTileInput, std::vector<double>> mma_tile_check() {
  FunctionCheck<MmaTileInput, Numbers> check;
  check.name = "mma_tile";
  check.chapter = 14;
  check.what = "one mma.sync of a warp, its registers filled and stored by hand";
  MmaTileInput all{.a = {}, .w = {}};
  for (std::int64_t i = 0; i < 256; ++i) all.a.push_back(whole(i / 16, i % 16));
  for (std::int64_t i = 0; i < 128; ++i) all.w.push_back(whole(i / 16 + 50, i % 16));
  check.cases = {{"corner", "a 3 in A[0, 0] and a 5 in W[0, 0]", one_hot(0, 0, 0)},
                 {"row-8", "in A[8, 0] and W[0, 0]", one_hot(8, 0, 0)},
                 {"k-8", "in A[0, 8] and W[0, 8]", one_hot(0, 8, 0)},
                 {"inside", "in A[13, 5] and W[6, 5]", one_hot(13, 5, 6)},
                 {"all", "whole numbers everywhere", all}};
  check.oracle = [](const MmaTileInput& input) { return tile_product(input, {0, 1, 2, 3}, false, false); };
  check.show = show_numbers;
  check.difference = [](const Numbers& found, const Numbers& expected) {
    return first_difference(found, expected, 8);
  };
  const auto mistake = [](std::string name, std::string sentence, std::array<std::size_t, 4> a_order,
                          bool w_swapped, bool c_columns) {
    return FunctionMistake<MmaTileInput, Numbers>{
        std::move(name), std::move(sentence),
        [=](const MmaTileInput& input) { return tile_product(input, a_order, w_swapped, c_columns); }};
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
              false, true)};
  return check;
}

}  // namespace rung::check
