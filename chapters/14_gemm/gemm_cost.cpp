#include "chapters/14_gemm/gemm_cost.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

namespace rung {

std::int64_t tiled_bytes(const TiledProduct& product) {
  const std::int64_t tiles_down = (product.m + product.tile_rows - 1) / product.tile_rows;
  const std::int64_t tiles_across = (product.n + product.tile_columns - 1) / product.tile_columns;
  const std::int64_t a = product.m * product.k * tiles_across;
  const std::int64_t w = product.n * product.k * tiles_down;
  const std::int64_t c = product.m * product.n;
  return (a + w + c) * product.number_bytes;
}

int wavefronts(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  const std::size_t lanes_at_once = bytes_per_lane == 16 ? 8 : 32;
  int total = 0;
  for (std::size_t first = 0; first < addresses.size(); first += lanes_at_once) {
    std::array<std::set<std::int64_t>, 32> words_of_bank;
    for (const std::int64_t address :
         addresses.subspan(first, std::min(lanes_at_once, addresses.size() - first))) {
      for (std::int64_t word = address / 4; word < (address + bytes_per_lane) / 4; ++word)
        words_of_bank[static_cast<std::size_t>(word % 32)].insert(word);
    }
    std::size_t most = 0;
    for (const std::set<std::int64_t>& words : words_of_bank) most = std::max(most, words.size());
    total += static_cast<int>(most);
  }
  return total;
}

}  // namespace rung
