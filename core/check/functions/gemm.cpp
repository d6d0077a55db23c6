#include "core/check/functions/gemm.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace rung::check {
namespace {

std::int64_t divided_up(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// What a tiled product moves.

struct TrafficHabits {
  bool rounded_down = false, c_forgotten = false, a_once = false, sides_swapped = false, tiles_whole = false,
       number_of_four = false, c_twice = false;
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
                               (habits.c_forgotten ? 0
                                : habits.c_twice   ? 2
                                                   : 1) *
                                   input.m * input.n;
  return numbers * (habits.number_of_four ? 4 : input.number_bytes);
}

// Banks.

struct BankHabits {
  bool same_word_waits = false, bytes_as_words = false, whole_warp = false, sixteen_banks = false,
       neighbours_share = false, averaged = false, largest_eight = false;
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
    const auto here = static_cast<std::int64_t>(habits.averaged ? words / used : most);
    total = habits.largest_eight ? std::max(total, here) : total + here;
  }
  return total;
}

WavefrontsInput lanes(int bytes, const std::function<std::int64_t(std::int64_t)>& address,
                      std::int64_t count = 32) {
  WavefrontsInput input{.addresses = {}, .bytes_per_lane = bytes};
  for (std::int64_t lane = 0; lane < count; ++lane) input.addresses.push_back(address(lane));
  return input;
}

}  // namespace

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
      {"large", "4096 × 4096 × 4096, tiles of 128 × 128, two bytes", {4096, 4096, 4096, 128, 128, 2}},
      {"untiled", "4096 × 4096 × 4096, tiles of 1 × 1", {4096, 4096, 4096, 1, 1, 4}},
      {"odd", "4095 × 4097 × 4099, tiles of 1 × 1", {4095, 4097, 4099, 1, 1, 4}}};
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
      mistake("traffic_c_twice", "C counted twice; it is written, and not read", {.c_twice = true}),
      {"traffic_32_bits",
       "counted in 32 bits; a number of bytes may need more, std::int64_t has them",
       [](const GemmTrafficInput& input) -> std::int64_t {
         return static_cast<std::uint32_t>(traffic(input, {}));
       },
       {[](const GemmTrafficInput& input) -> std::int64_t {
         return static_cast<std::int32_t>(traffic(input, {}));
       }}},
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
           16, [](std::int64_t l) { return 64 * l; }, 12)},
      {"eight-chunks", "8 neighbouring chunks, by 8 lanes",
       lanes(
           16, [](std::int64_t l) { return 16 * l; }, 8)},
      {"shared-chunks", "chunk 1 of rows of 4 chunks, lanes l and l + 16 the same row",
       lanes(16, [](std::int64_t l) { return 64 * (l % 16) + 16; })},
      {"one-free-eight", "8 neighbouring chunks, and 24 in the same four banks",
       lanes(16, [](std::int64_t l) { return l < 8 ? 16 * l : 128 * l; })},
      {"dealt-chunks", "32 neighbouring chunks, lane l the one that is 8 behind that of lane l - 1",
       lanes(16, [](std::int64_t l) { return 16 * (l % 4 * 8 + l / 4); })}};
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
      mistake("banks_largest_eight",
              "of the eights only the one that waits longest is counted; they come one after the other, so "
              "their wavefronts add up",
              {.largest_eight = true}),
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

}  // namespace rung::check
