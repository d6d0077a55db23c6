#include "chapters/13_simt/demo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "chapters/13_simt/warp_request.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/06_shared_weight.cuh"
#include "cuda/simt/profile/request.h"
#include "cuda/simt/simt.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

constexpr int lanes = cuda::lanes_in_warp;

/// What lane k of a warp loads.
struct Load {
  std::string_view name;
  int bytes;
  std::int64_t (*address)(std::int64_t lane);
};
constexpr std::array loads = {Load{"4 bytes: x[k]", 4, [](std::int64_t k) { return 4 * k; }},
                              Load{"x[k + 1]", 4, [](std::int64_t k) { return 4 * (k + 1); }},
                              Load{"x[2 k]", 4, [](std::int64_t k) { return 4 * 2 * k; }},
                              Load{"x[8 k]", 4, [](std::int64_t k) { return 4 * 8 * k; }},
                              Load{"x[32 k]", 4, [](std::int64_t k) { return 4 * 32 * k; }},
                              Load{"x[0]", 4, [](std::int64_t) { return std::int64_t{0}; }},
                              Load{"2 bytes: x[k]", 2, [](std::int64_t k) { return 2 * k; }},
                              Load{"16 bytes: x[4 k]", 16, [](std::int64_t k) { return 16 * k; }}};

Json show_sectors(const DemoInput&, DemoText& text) {
  text.print("lane k loads         sectors   the fewest   bytes moved for each wanted\n");
  Json data = Json::array();
  for (const Load& load : loads) {
    std::vector<std::int64_t> addresses;
    addresses.reserve(lanes);
    for (std::int64_t lane = 0; lane < lanes; ++lane) addresses.push_back(load.address(lane));
    const int moved = sectors(addresses, load.bytes);
    const int fewest = fewest_sectors(addresses, load.bytes);
    const std::set<std::int64_t> different(addresses.begin(), addresses.end());
    const double wanted = load.bytes * static_cast<double>(different.size());
    text.print("{:<18} {:>9}   {:>10}   {:>27.2f}\n", load.name, moved, fewest, 32 * moved / wanted);
    data.push_back({{"name", load.name},
                    {"bytes", load.bytes},
                    {"addresses", addresses},
                    {"sectors", moved},
                    {"fewest", fewest}});
  }
  return data;
}

/// Wavefronts of a warp whose lanes name these words of shared memory.
unsigned wavefronts_of(const std::vector<std::int64_t>& words) {
  simt::profiling::Request request{.mask = 0xffffffff, .bytes = 4, .address = {}};
  for (std::size_t lane = 0; lane < words.size(); ++lane)
    request.address[lane] = static_cast<std::uintptr_t>(4 * words[lane]);
  return simt::profiling::count_wavefronts(request).count;
}

Json show_transposition(const DemoInput&, DemoText& text) {
  text.print("a tile of 32 × 32 words: a warp stores rows and loads columns\n\n");
  text.print("                    banks of column 3,   wavefronts to   wavefronts to\n");
  text.print("                    rows 0, 1, 2 … 31    store a row     load a column\n");
  Json data = Json::array();
  for (const std::int64_t width : {32, 33}) {
    std::vector<std::int64_t> row, column;
    row.reserve(lanes);
    column.reserve(lanes);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      row.push_back(width * 3 + lane);
      column.push_back(width * lane + 3);
    }
    const auto bank = [&](std::size_t i) { return column[i] % 32; };
    text.print("rows of {} words    {:>2} {:>2} {:>2} … {:>2}        {:>13}   {:>13}\n", width, bank(0),
               bank(1), bank(2), bank(31), wavefronts_of(row), wavefronts_of(column));
    data.push_back({{"width", width}, {"store", wavefronts_of(row)}, {"load", wavefronts_of(column)}});
  }
  return data;
}

/// A branch or loop of threads 0 … 63, which are two warps.
struct Branch {
  std::string_view name;
  bool loop;  ///< whether `choice` says how many rounds a thread takes; else which way it goes
  int (*choice)(int thread);
};
constexpr std::array branches = {
    Branch{"if (thread < 64)", false, [](int) { return 0; }},
    Branch{"if (thread % 2 == 0)", false, [](int thread) { return thread % 2; }},
    Branch{"if (thread < 16)", false, [](int thread) { return thread < 16 ? 0 : 1; }},
    Branch{"if (thread < 32)", false, [](int thread) { return thread / 32; }},
    Branch{"switch (thread % 4)", false, [](int thread) { return thread % 4; }},
    Branch{"8 rounds of a loop", true, [](int) { return 8; }},
    Branch{"thread % 32 rounds", true, [](int thread) { return thread % 32; }}};

Json show_divergence(const DemoInput&, DemoText& text) {
  text.print("                        passes of warp 0   of warp 1   lanes at work, of 32\n");
  Json data = Json::array();
  for (const Branch& branch : branches) {
    std::array<int, 2> passes{};
    int work = 0;  // passes of all lanes
    for (int warp = 0; warp < 2; ++warp) {
      std::set<int> ways;
      int most = 0;
      for (int thread = lanes * warp; thread < lanes * (warp + 1); ++thread) {
        const int choice = branch.choice(thread);
        ways.insert(choice);
        most = std::max(most, choice);
        work += branch.loop ? choice : 1;
      }
      passes[static_cast<std::size_t>(warp)] = branch.loop ? most : static_cast<int>(ways.size());
    }
    const double at_work = static_cast<double>(work) / (passes[0] + passes[1]);
    text.print("{:<22} {:>18}   {:>9}   {:>20.1f}\n", branch.name, passes[0], passes[1], at_work);
    data.push_back({{"name", branch.name}, {"passes", passes}, {"lanes", at_work}});
  }
  return data;
}

Json show_tree(const DemoInput&, DemoText& text) {
  std::vector<int> numbers = {3, 1, 4, 1, 5, 9, 2, 6};
  Json data = Json::array();
  const auto show = [&](std::string_view what) {
    text.print("{:<26}", what);
    for (const int number : numbers) text.print(" {:>3}", number);
    text.print("\n");
    data.push_back(numbers);
  };
  show("8 threads' numbers");
  for (std::size_t half = numbers.size() / 2; half > 0; half /= 2) {
    for (std::size_t thread = 0; thread < half; ++thread) numbers[thread] += numbers[thread + half];
    show(fmt::format("thread{} add{} [t + {}]", half > 1 ? fmt::format("s 0–{}", half - 1) : " 0",
                     half > 1 ? "" : "s", half));
  }
  return data;
}

/// steps[s, lane]: what each lane of a warp holds before and after each of five steps, by __shfl_xor_sync or _down_sync.
__global__ void __launch_bounds__(32) shuffle_steps(float* steps, bool down) {
  const int lane = static_cast<int>(threadIdx.x);
  float sum = static_cast<float>(lane);
  steps[lane] = sum;
  int step = 1;
  for (int distance = lanes / 2; distance > 0; distance /= 2) {
    sum += down ? __shfl_down_sync(cuda::all_lanes, sum, distance)
                : __shfl_xor_sync(cuda::all_lanes, sum, distance);
    steps[lanes * step++ + lane] = sum;
  }
}

Json show_shuffles(const DemoInput&, DemoText& text) {
  Json data;
  for (const bool down : {false, true}) {
    simt::device_buffer<float> steps(std::size_t{6} * lanes);
    simt::launch("shuffle_steps", shuffle_steps, {.block = dim3(lanes)}, steps.data(), down);
    simt::synchronize();
    const std::vector<float> held = steps.download();
    text.print("{:<18} lane 0    1    2    3    4    5    6    7  …   30   31\n",
               down ? "__shfl_down_sync" : "__shfl_xor_sync");
    for (std::size_t step = 0; step <= 5; ++step) {
      text.print("{:<18}", step == 0 ? "lane k holds k" : fmt::format("distance {:>2}", lanes >> step));
      for (const std::size_t lane : {0, 1, 2, 3, 4, 5, 6, 7, 30, 31})
        text.print("{}{:>5}", lane == 30 ? "  …" : lane == 0 ? "  " : "", held[lanes * step + lane]);
      text.print("\n");
    }
    text.print("{}", down ? "" : "\n");
    data[down ? "down" : "xor"] = held;
  }
  return data;
}

Json show_online(const DemoInput&, DemoText& text) {
  text.print("score       m        s\n");
  Json data = Json::array();
  double max = -INFINITY;
  double sum = 0;
  for (const double score : {1, 3, 2}) {
    const double larger = std::max(max, score);
    sum = (max == -INFINITY ? 0 : sum * std::exp(max - larger)) + std::exp(score - larger);
    max = larger;
    text.print("{:>5}   {:>5}   {:>6.4f}\n", score, max, sum);
    data.push_back({{"score", score}, {"max", max}, {"sum", sum}});
  }
  return data;
}

Json show_weight(const DemoInput&, DemoText& text) {
  text.print("RMSNorm, rows of 1024 numbers: bytes through L2 as a multiple of the least\n\n");
  text.print("rows a block   64 rows: blocks     L2   4096 rows: blocks     L2\n");
  Json data = Json::array();
  for (const int each : {1, 2, 4, 8, cuda::rmsnorm_06_rows, 64}) {
    text.print("{:>12}", each);
    for (const int rows : {64, 4096}) {
      const int blocks = (rows + each - 1) / each;
      const double l2 = (2.0 * rows + blocks) / (2.0 * rows + 1);  // of rows: x, y and the weight
      text.print("   {:>{}}   {:>4.2f}", blocks, rows == 64 ? 15 : 17, l2);
      data.push_back({{"rows", rows}, {"each", each}, {"l2", l2}});
    }
    text.print("\n");
  }
  return data;
}

}  // namespace

Demo simt_demo() {
  return {.chapter = 13,
          .title = "How does a GPU run a kernel?",
          .parts = {{"sectors", "what a warp's load asks for", show_sectors},
                    {"divergence", "what a warp does where its lanes part", show_divergence},
                    {"transpose", "banks of a transposition's tile", show_transposition},
                    {"tree", "a sum through shared memory, step by step", show_tree},
                    {"shuffles", "a warp's sum by shuffles, step by step", show_shuffles},
                    {"online", "maximum and sum in one pass", show_online},
                    {"weight", "what it costs that each block reads RMSNorm's weight", show_weight}}};
}

}  // namespace rung
