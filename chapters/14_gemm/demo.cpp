#include "chapters/14_gemm/demo.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "chapters/14_gemm/gemm_cost.h"
#include "cuda/gemm/parts.h"
#include "cuda/gemm/swizzle.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

Json show_example(const DemoInput&, DemoText& text) {
  constexpr int rows = 2, columns = 2, depth = 4, tile_depth = 2;
  constexpr std::array<std::array<int, depth>, rows> a{{{1, 2, 3, 4}, {5, 6, 7, 8}}};
  constexpr std::array<std::array<int, depth>, columns> w{{{1, 0, 2, 0}, {0, 1, 0, 3}}};
  std::array<std::array<int, columns>, rows> c{};
  text.print("round   tile of A    tile of W    C so far\n");
  Json data = Json::array();
  for (int first = 0; first < depth; first += tile_depth) {
    for (int m = 0; m < rows; ++m) {
      for (int n = 0; n < columns; ++n) {
        for (int k = first; k < first + tile_depth; ++k) c[m][n] += a[m][k] * w[n][k];
      }
    }
    for (int r = 0; r < rows; ++r) {
      text.print("{:<5}   {:>2} {:>2}        {:>2} {:>2}        {:>2} {:>2}\n",
                 r == 0 ? fmt::format("{}", first / tile_depth) : "", a[r][first], a[r][first + 1],
                 w[r][first], w[r][first + 1], c[r][0], c[r][1]);
    }
    data.push_back(c);
  }
  return data;
}

Json show_traffic(const DemoInput&, DemoText& text) {
  text.print("C = A · Wᵀ of 4096 × 4096 × 4096 in fp16: {:.0f} GFLOP; A, W and C once: {:.0f} MB\n\n",
             2 * 4096.0 * 4096 * 4096 * 1e-9, 3 * 4096.0 * 4096 * 2 * 1e-6);
  text.print("tile of C     bytes from and to L2   FLOPs per byte\n");
  Json data = Json::array();
  for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 8}, {32, 32}, {64, 64}, {128, 128}, {256, 128}}) {
    const TiledProduct product{
        .m = 4096, .n = 4096, .k = 4096, .tile_rows = rows, .tile_columns = columns, .number_bytes = 2};
    const auto bytes = static_cast<double>(tiled_bytes(product));
    const double intensity = 2 * 4096.0 * 4096 * 4096 / bytes;
    text.print("{:>3} × {:<3}            {:>10.1f} GB         {:>8.1f}\n", rows, columns, bytes * 1e-9,
               intensity);
    data.push_back({{"rows", rows}, {"columns", columns}, {"bytes", bytes}, {"flops_per_byte", intensity}});
  }
  return data;
}

/// Where chunk d of row r lies in shared memory, in chunks of 16 bytes.
struct Layout {
  std::string_view name;
  std::int64_t (*place)(std::int64_t r, std::int64_t d);
};
constexpr std::array layouts = {Layout{"plain", [](std::int64_t r, std::int64_t d) { return 4 * r + d; }},
                                Layout{"padded", [](std::int64_t r, std::int64_t d) { return 5 * r + d; }},
                                Layout{"swizzled", [](std::int64_t r, std::int64_t d) {
                                         return 4 * r +
                                                cuda::swizzled(static_cast<int>(r), static_cast<int>(d));
                                       }}};

Json show_banks(const DemoInput&, DemoText& text) {
  text.print("16-byte chunks in rows of 4. A wavefront serves 8 lanes whose chunks differ modulo 8.\n\n");
  text.print("           chunk 1 of rows 0 … 7, modulo 8    wavefronts to read it    to store 8 rows\n");
  text.print("                                              of 32 rows               of 4 chunks\n");
  Json data;
  for (const Layout& layout : layouts) {
    std::string places;
    for (std::int64_t r = 0; r < 8; ++r) places += fmt::format(" {}", layout.place(r, 1) % 8);
    std::vector<std::int64_t> reads, stores;
    for (std::int64_t lane = 0; lane < 32; ++lane) {
      reads.push_back(16 * layout.place(lane, 1));
      stores.push_back(16 * layout.place(lane / 4, lane % 4));
    }
    text.print("{:<10}{:<35} {:>2}                       {:>2}\n", layout.name, places, wavefronts(reads, 16),
               wavefronts(stores, 16));
    Json rows = Json::array();
    for (std::int64_t r = 0; r < 8; ++r) {
      Json row = Json::array();
      for (std::int64_t d = 0; d < 4; ++d) row.push_back(layout.place(r, d));
      rows.push_back(row);
    }
    data[std::string(layout.name)] = rows;
  }
  return data;
}

Json show_words(const DemoInput&, DemoText& text) {
  text.print("32 lanes read one word in each of 32 rows\n\n");
  text.print("words from row to row   wavefronts\n");
  Json data = Json::array();
  for (const std::int64_t stride : {32, 16, 8, 4, 2, 1, 33, 17}) {
    std::vector<std::int64_t> addresses;
    addresses.reserve(32);
    for (std::int64_t lane = 0; lane < 32; ++lane) addresses.push_back(4 * stride * lane);
    text.print("{:>21}   {:>10}\n", stride, wavefronts(addresses, 4));
    data.push_back({stride, wavefronts(addresses, 4)});
  }
  return data;
}

Json show_pipeline(const DemoInput&, DemoText& text) {
  constexpr int rounds = 6;
  Json data;
  for (const int buffers : {2, 3}) {
    text.print("{} buffers\nround   multiplied from buffer   on its way\n", buffers);
    Json rows = Json::array();
    for (int round = 0; round < rounds; ++round) {
      std::string coming;
      for (int ahead = 1; ahead < buffers && round + ahead < rounds; ++ahead)
        coming += fmt::format("{}pair {} to buffer {}", coming.empty() ? "" : ", ", round + ahead,
                              (round + ahead) % buffers);
      text.print("{:>5}   {:<24} {}\n", round, round % buffers, coming.empty() ? "nothing" : coming);
      rows.push_back({{"round", round}, {"buffer", round % buffers}});
    }
    text.print("{}", buffers == 2 ? "\n" : "");
    data[std::to_string(buffers)] = rows;
  }
  return data;
}

Json show_fragments(const DemoInput&, DemoText& text) {
  text.print("mma.m16n8k16: which lane holds C[m, n], and in which of its four sums\n");
  Json data = Json::array();
  for (int m = 0; m < 16; ++m) {
    if (m % 8 > 1 && m % 8 < 7) {
      if (m % 8 == 2) text.print("   …\n");
      continue;
    }
    text.print("row {:>2}", m);
    for (int n = 0; n < 8; ++n) text.print("  {:>2}:{}", m % 8 * 4 + n / 2, m / 8 * 2 + n % 2);
    text.print("\n");
  }
  return data;
}

Json show_split(const DemoInput&, DemoText& text) {
  text.print("  m      n      k   blocks of 128 × 128   of 16 × 64   parts of k   blocks with them\n");
  Json data = Json::array();
  for (const auto& [m, n, k] :
       {std::array{1, 576, 1536}, {1, 4096, 4096}, {16, 4096, 14336}, {1, 49152, 576}, {512, 4096, 4096}}) {
    const int tiles = cuda::blocks_of(m, 16) * cuda::blocks_of(n, 64);
    const cuda::Parts parts = cuda::parts_of(m, n, cuda::blocks_of(k, 8));
    text.print("{:>3} {:>6} {:>6}   {:>19}   {:>10}   {:>10}   {:>16}\n", m, n, k,
               cuda::blocks_of(m, 128) * cuda::blocks_of(n, 128), tiles, parts.count, tiles * parts.count);
    data.push_back({{"m", m}, {"n", n}, {"k", k}, {"parts", parts.count}});
  }
  return data;
}

}  // namespace

Demo gemm_demo() {
  return {.chapter = 14,
          .title = "How does a matrix product reach the arithmetic of a GPU?",
          .parts = {{"example", "a product of 2 × 2 × 4 in two rounds of tiles", show_example},
                    {"traffic", "what tiles of C save", show_traffic},
                    {"words", "conflicts of single words", show_words},
                    {"banks", "conflicts of 16 bytes: plain, padded, swizzled", show_banks},
                    {"pipeline", "what is on its way while a pair of tiles is multiplied", show_pipeline},
                    {"fragments", "who holds what of a tensor core's product", show_fragments},
                    {"split", "blocks for a decode step, with and without parts of k", show_split}}};
}

}  // namespace rung
