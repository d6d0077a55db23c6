#include "cuda/simt/profile/l2_model.h"
#include "cuda/simt/profile/l2_traffic.h"
#include "tests/catch.h"

namespace rung::simt::profiling {
namespace {

Sectors sectors_from(std::uint64_t first, unsigned count) {
  Sectors sectors;
  sectors.count = count;
  for (unsigned i = 0; i < count; ++i) {
    sectors.number[i] = first + i;
  }
  return sectors;
}

}  // namespace

TEST_CASE("the modelled L2: reading a stream once fetches each sector once, whatever the capacity") {
  for (const std::size_t lines : {1U, 3U, 64U}) {
    L2Model l2(lines * 128);
    for (std::uint64_t s = 0; s < 400; ++s) {
      l2.load(s);
    }
    l2.flush();
    CHECK(l2.sectors_fetched() == 400);
    CHECK(l2.sectors_written_back() == 0);
  }
}

TEST_CASE("the modelled L2: what fits is fetched once, what does not fit by one line is fetched each time") {
  for (const auto& [lines, expected] : {std::pair{8U, 32U}, std::pair{7U, 5 * 32U}}) {
    L2Model l2(lines * 128);
    for (int pass = 0; pass < 5; ++pass) {
      for (std::uint64_t s = 0; s < 32; ++s) {  // 8 lines
        l2.load(s);
      }
    }
    CHECK(l2.sectors_fetched() == expected);
  }
}

TEST_CASE("the modelled L2: the line that was touched longest ago leaves") {
  L2Model l2(2 * 128);
  l2.load(0);  // line 0
  l2.load(4);  // line 1
  l2.load(0);
  l2.load(8);  // line 2 drives out line 1
  l2.load(0);
  CHECK(l2.sectors_fetched() == 3);
  l2.load(4);
  CHECK(l2.sectors_fetched() == 4);
}

TEST_CASE("the modelled L2: sectors of a line are fetched one by one") {
  L2Model l2(128);
  l2.load(0);
  l2.load(0);
  CHECK(l2.sectors_fetched() == 1);
  l2.load(3);
  CHECK(l2.sectors_fetched() == 2);
}

TEST_CASE("the modelled L2: stores fetch nothing and are written back once, at the latest in the end") {
  L2Model l2(2 * 128);
  for (int again = 0; again < 3; ++again) {
    for (std::uint64_t s = 0; s < 8; ++s) {
      l2.store(s);
    }
  }
  CHECK(l2.sectors_written_back() == 0);
  l2.load(1);  // there already
  CHECK(l2.sectors_fetched() == 0);
  l2.load(100);
  CHECK(l2.sectors_written_back() == 4);  // the older line
  l2.flush();
  CHECK(l2.sectors_written_back() == 8);
  CHECK(l2.sectors_fetched() == 1);
  l2.flush();
  CHECK(l2.sectors_written_back() == 8);
  l2.load(100);
  CHECK(l2.sectors_fetched() == 2);  // it is empty after a flush
}

TEST_CASE("the modelled L2: many lines keep their order") {
  constexpr std::uint64_t lines = 1000;
  L2Model l2(lines * 128);
  for (std::uint64_t i = 0; i < lines; ++i) {
    l2.load(4 * (i * 7919 % lines));
  }
  CHECK(l2.sectors_fetched() == lines);
  for (std::uint64_t i = 0; i < lines / 2; ++i) {
    l2.load(4 * (lines + i));  // drives out the older half
  }
  for (std::uint64_t i = lines / 2; i < lines; ++i) {
    l2.load(4 * (i * 7919 % lines));
  }
  CHECK(l2.sectors_fetched() == lines + lines / 2);
}

// Four blocks read the same 16 lines, which do not fit; side by side they share each fetch.
TEST_CASE("blocks of one wave share what they fetch; blocks of different waves do not") {
  for (const auto& [blocks_in_a_wave, fetched] :
       {std::pair{4U, 64U}, std::pair{2U, 2 * 64U}, std::pair{1U, 4 * 64U}, std::pair{100U, 64U}}) {
    L2Traffic traffic(4 * 128, blocks_in_a_wave);
    for (int block = 0; block < 4; ++block) {
      traffic.block_begins();
      for (std::uint64_t line = 0; line < 16; ++line) {
        traffic.request(sectors_from(4 * line, 4), true, false);
      }
    }
    traffic.finish();
    CAPTURE(blocks_in_a_wave);
    CHECK(traffic.sectors() == 4 * 64);
    CHECK(traffic.l2().sectors_fetched() == fetched);
  }
}

TEST_CASE("a wave takes one request of each block in turn") {
  // Each block reads one line of its own twice in a row. Alone it would hit; in turns with two others in one line of
  // cache it misses.
  L2Traffic traffic(128, 3);
  for (std::uint64_t block = 0; block < 3; ++block) {
    traffic.block_begins();
    traffic.request(sectors_from(4 * block, 2), true, false);
    traffic.request(sectors_from(4 * block, 2), true, false);
  }
  traffic.finish();
  CHECK(traffic.l2().sectors_fetched() == 3 * 2 * 2);
}

TEST_CASE("an atomic loads and stores in the L2, and is one way between L1 and L2") {
  L2Traffic traffic(4096, 1);
  traffic.block_begins();
  traffic.request(sectors_from(0, 1), true, true);
  traffic.finish();
  CHECK(traffic.sectors() == 1);
  CHECK(traffic.l2().sectors_fetched() == 1);
  CHECK(traffic.l2().sectors_written_back() == 1);
}

}  // namespace rung::simt::profiling
