// What the rungs of attention do to memory, counted: the scores of the naive rung grow with the square of the tokens
// and everything else with the tokens, and the last rung has no bank conflict. And the checker: quiet on all of them,
// not on the wrong ones.

#include "cuda/simt/profile/profile.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "cuda/attention/call.h"
#include "cuda/report/measure.h"
#include "tests/catch.h"
#include "tests/cuda/attention/batches.h"
#include "tests/cuda/attention/wrong_profiled.h"

using namespace rung;
using check::NumberType;

namespace {

/// A rung on a causal prompt of so many tokens.
simt::Profile profiled(const cuda::KernelRung& rung, NumberType type, int tokens) {
  cuda::KernelLadder ladder = cuda::find_kernel_ladder("attention");
  ladder.measured = [tokens](NumberType t) { return cuda::attention_problem(t, tokens); };
  return cuda::measure(ladder, rung, {.type = type, .judge = false}).profile;
}

const cuda::KernelRung& rung_of(int number) {
  return cuda::find_kernel_ladder("attention").rungs[static_cast<std::size_t>(number - 1)];
}

NumberType type_of(int number) {
  return number < 4 ? NumberType::f32 : NumberType::f16;  // from rung 4 on tensor cores multiply
}

/// Bytes that the launches touch, each its own: scores that one writes and another reads count twice.
std::uint64_t touched_bytes(const simt::Profile& profile) {
  std::uint64_t bytes = 0;
  for (const simt::KernelProfile& kernel : profile.kernels) bytes += kernel.unique_bytes();
  return bytes;
}

/// The rungs whose bytes chapter 15 draws.
constexpr int drawn_rungs[] = {1, 3, 6};

std::vector<std::uint64_t> drawn_bytes(int tokens) {
  std::vector<std::uint64_t> row = {static_cast<std::uint64_t>(tokens)};
  for (const int number : drawn_rungs)
    row.push_back(touched_bytes(profiled(rung_of(number), type_of(number), tokens)));
  return row;
}

/// Everything that is wrong with a launch, one line each.
std::string findings(const simt::Profile& profile) {
  std::string text = profile.error;
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) text += problem.message + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("attention: bytes grow with the tokens, and those of the naive rung with their square") {
  for (int number = 1; number <= 6; ++number) {
    const NumberType type = type_of(number);
    const simt::Profile once = profiled(rung_of(number), type, 64);
    const simt::Profile twice = profiled(rung_of(number), type, 128);
    INFO(rung_of(number).source);
    CHECK(findings(once) == "");
    CHECK(findings(twice) == "");
    const double growth =
        static_cast<double>(touched_bytes(twice)) / static_cast<double>(touched_bytes(once));
    const double dram =
        static_cast<double>(twice.total().dram_bytes()) / static_cast<double>(once.total().dram_bytes());
    if (number == 1) {
      CHECK(growth > 3);
    } else {
      CHECK(growth < 2.01);
      // A query that reads its keys alone reads them from DRAM again, where L2 is too small for them.
      CHECK(dram < (number == 2 ? 3 : 2.01));
    }
  }
}

TEST_CASE("attention: the bytes that chapter 15 draws are those that are counted") {
  std::ifstream file(RUNG_SOURCE_DIR "/chapters/15_flash_attention/figures/traffic.csv");
  std::string line;
  REQUIRE(std::getline(file, line));
  CHECK(line == "tokens,naive,tiled,swizzled");
  int lines = 0;
  while (std::getline(file, line)) {
    ++lines;
    const int tokens = std::stoi(line);
    if (tokens > 128) continue;  // the others take longer; the case below counts them
    CHECK(line == fmt::format("{}", fmt::join(drawn_bytes(tokens), ",")));
  }
  CHECK(lines == 5);
}

// Not run by ctest: prints figures/traffic.csv of chapter 15.
TEST_CASE("attention: bytes for the figure of chapter 15", "[.][figure]") {
  fmt::print("tokens,naive,tiled,swizzled\n");
  for (int tokens = 32; tokens <= 512; tokens *= 2) fmt::print("{}\n", fmt::join(drawn_bytes(tokens), ","));
}

TEST_CASE("attention: the counters of the ladder") {
  // For 128 tokens, 4 heads of 64 numbers. Of the L2 sectors, two for each warp are its sequence (chapter 15 does the
  // sums).
  struct Expected {
    double sectors_over_ideal, wavefronts_over_ideal;
    std::uint64_t l2_sectors, barriers, mma;
  };
  const std::vector<Expected> expected = {
      {3.453, 1, 2583040, 1024, 0},
      {1, 1, 537600, 0, 0},                      // no shared memory
      {1.142, 1, 28672 + 4096 + 2 * 64, 80, 0},  // 4096: a quad writes half a sector at a time
      {1, 4.745, 10240 + 2 * 32, 32, 3072},
      {1, 4.745, 10240 + 2 * 32, 20, 3072},
      {1, 1, 10240 + 2 * 32, 20, 3072},
  };
  for (int number = 1; number <= 6; ++number) {
    const NumberType type = type_of(number);
    const simt::KernelProfile all = profiled(rung_of(number), type, 128).total();
    const Expected& right = expected[static_cast<std::size_t>(number - 1)];
    INFO(rung_of(number).source);
    CHECK(all.global().units_over_ideal() == Approx(right.sectors_over_ideal).margin(0.001));
    CHECK(all.shared().units_over_ideal() == Approx(right.wavefronts_over_ideal).margin(0.001));
    CHECK(all.l2_sectors == right.l2_sectors);
    CHECK(all.block_barriers == right.barriers);
    CHECK(all.tensor_instructions == right.mma);
  }
}

TEST_CASE("attention: no bank conflict in the swizzled rung, whatever the width of a head") {
  for (const int head_dim : {64, 80, 96, 128, 256}) {
    const cuda::Batch<__half> batch({{.rows = 64, .past = 64, .keys = 128}},
                                    {.heads = 1, .kv_heads = 1, .head_dim = head_dim});
    const simt::Profile profile = simt::profile([&] { batch.by(6); });
    INFO(head_dim);
    CHECK(findings(profile) == "");
    CHECK(profile.total().shared().units_over_ideal() == 1);
    CHECK(profile.total().global().units_over_ideal() < 1.01);
  }
}

TEST_CASE("the checker has nothing against any attention rung on ragged batches") {
  const std::vector<cuda::AttentionSequence> ragged = {
      {.first_row = 0, .rows = 5, .past = 0, .keys = 5, .first_slot = 72},
      {.first_row = 5, .rows = 34, .past = 60, .keys = 94, .first_slot = 0, .ring = 72},
      {.first_row = 39, .rows = 2, .past = -1, .keys = 1, .first_slot = 77}};
  for (int number = 1; number <= 6; ++number) {
    INFO(rung_of(number).source);
    const cuda::BatchShape common{.heads = 2, .kv_heads = 1, .head_dim = 72, .window = 30};
    const cuda::Batch<__half> batch(ragged, common);
    CHECK(findings(simt::profile([&] { batch.by(number); })) == "");
    cuda::BatchShape strided = common;
    strided.gap = 3;
    const cuda::Batch<__nv_bfloat16> unaligned(ragged, strided);
    CHECK(findings(simt::profile([&] { unaligned.by(number); })) == "");
  }
}

TEST_CASE("the checker finds wrong attention kernels, and what kind of wrong they are") {
  for (const cuda::WrongAttention& wrong : cuda::wrong_attention_kernels()) {
    const simt::Profile profile = profiled(wrong.rung, wrong.rung.types.front(), 131);
    INFO(wrong.rung.name << ": " << findings(profile));
    bool found = false;
    for (const simt::KernelProfile& kernel : profile.kernels) {
      for (const simt::Problem& problem : kernel.problems) found = found || problem.kind == wrong.kind;
    }
    CHECK(found);
  }
}
