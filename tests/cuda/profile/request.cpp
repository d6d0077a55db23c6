#include "cuda/simt/profile/request.h"

#include "tests/catch.h"

namespace rung::simt::profiling {
namespace {

// Lane i at base + i * stride.
Request strided(std::uintptr_t base, std::uintptr_t stride, unsigned bytes,
                std::uint32_t mask = 0xffffffffU) {
  Request request;
  request.mask = mask;
  request.bytes = bytes;
  for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
    request.address[lane] = base + lane * stride;
  }
  return request;
}

struct Expected {
  unsigned count, ideal;
  bool operator==(const Expected&) const = default;
};

Expected sectors(const Request& request) {
  Sectors out;
  find_sectors(request, out);
  return {out.count, out.ideal};
}

Expected wavefronts(const Request& request, bool merge = true) {
  const Wavefronts out = count_wavefronts(request, merge);
  return {out.count, out.ideal};
}

}  // namespace

TEST_CASE("sectors of 4-byte loads: stride 1, 2 and 32, misaligned, one address") {
  CHECK(sectors(strided(4096, 4, 4)) == Expected{4, 4});
  CHECK(sectors(strided(4096, 8, 4)) == Expected{8, 4});
  CHECK(sectors(strided(4096, 128, 4)) == Expected{32, 4});
  CHECK(sectors(strided(4096 + 4, 4, 4)) == Expected{5, 4});
  CHECK(sectors(strided(4096, 0, 4)) == Expected{1, 1});
}

TEST_CASE("sectors of wide, narrow, backward and partly inactive requests") {
  CHECK(sectors(strided(4096, 16, 16)) == Expected{16, 16});
  CHECK(sectors(strided(4096, 2, 2)) == Expected{2, 2});
  CHECK(sectors(strided(4096, 1, 1)) == Expected{1, 1});
  CHECK(sectors(strided(4096 + 31 * 4, static_cast<std::uintptr_t>(-4), 4)) == Expected{4, 4});
  CHECK(sectors(strided(4096, 4, 4, 0x000000ffU)) == Expected{1, 1});
  CHECK(sectors(strided(4096, 4, 4, 0x80000001U)) == Expected{2, 1});
  CHECK(sectors(strided(4096 + 30, 0, 4, 1)) == Expected{2, 1});  // across a border
}

TEST_CASE("sectors come out once each and rising") {
  Request request = strided(4096, 4, 4);
  std::swap(request.address[0], request.address[31]);
  Sectors out;
  find_sectors(request, out);
  REQUIRE(out.count == 4);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(out.number[i] == 128 + i);
  }
}

TEST_CASE("wavefronts of 4-byte accesses: a row, a column, a padded column, one word, two words") {
  CHECK(wavefronts(strided(0, 4, 4)) == Expected{1, 1});
  CHECK(wavefronts(strided(0, 128, 4)) == Expected{32, 1});
  CHECK(wavefronts(strided(0, 132, 4)) == Expected{1, 1});
  CHECK(wavefronts(strided(0, 0, 4)) == Expected{1, 1});
  CHECK(wavefronts(strided(0, 8, 4)) == Expected{2, 1});
  CHECK(wavefronts(strided(0, 64, 4)) == Expected{16, 1});
  CHECK(wavefronts(strided(0, 128, 4, 0x0000000fU)) == Expected{4, 1});
}

TEST_CASE("wavefronts of narrow accesses: lanes that share a word share the pass") {
  CHECK(wavefronts(strided(0, 2, 2)) == Expected{1, 1});
  CHECK(wavefronts(strided(0, 1, 1)) == Expected{1, 1});
}

TEST_CASE("wavefronts of 8-byte accesses go by half warps, of 16-byte by quarter warps") {
  CHECK(wavefronts(strided(0, 8, 8)) == Expected{2, 2});
  CHECK(wavefronts(strided(0, 16, 16)) == Expected{4, 4});
  CHECK(wavefronts(strided(0, 128, 16)) ==
        Expected{32, 4});  // rows of 128 bytes: every lane in the same banks
  CHECK(wavefronts(strided(0, 128 + 16, 16)) == Expected{4, 4});  // padded by one access
  CHECK(wavefronts(strided(0, 128, 8)) == Expected{32, 2});
  CHECK(wavefronts(strided(0, 16, 16, 0x000000ffU)) == Expected{1, 1});
}

TEST_CASE("atomics on one word wait for each other") {
  CHECK(wavefronts(strided(0, 0, 4), false) == Expected{32, 1});
  CHECK(wavefronts(strided(0, 4, 4), false) == Expected{1, 1});
  CHECK(count_collisions(strided(0, 0, 4)) == 31);
  CHECK(count_collisions(strided(0, 4, 4)) == 0);
  Request pairs = strided(0, 4, 4);
  for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
    pairs.address[lane] = 4 * (lane % 16);
  }
  CHECK(count_collisions(pairs) == 16);
  CHECK(wavefronts(pairs, false) == Expected{2, 1});
}

}  // namespace rung::simt::profiling
