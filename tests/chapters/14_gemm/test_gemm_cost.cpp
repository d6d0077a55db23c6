// The chapter's formulas against the profiler's, which were written by others.

#include <cstdint>
#include <vector>

#include "chapters/14_gemm/gemm_cost.h"
#include "core/check/random.h"
#include "cuda/simt/profile/request.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE("the chapter counts wavefronts as the profiler does") {
  check::Random random(14);
  for (const int bytes : {4, 16}) {
    for (int trial = 0; trial < 2000; ++trial) {
      const std::int64_t range = std::int64_t{1} << (trial % 11);  // from all lanes alike to hardly any two
      simt::profiling::Request request{
          .mask = 0xffffffff, .bytes = static_cast<unsigned>(bytes), .address = {}};
      std::vector<std::int64_t> addresses;
      for (std::size_t lane = 0; lane < 32; ++lane) {
        addresses.push_back(random.below(range) * bytes);
        request.address[lane] = 4096 + static_cast<std::uintptr_t>(addresses.back());
      }
      REQUIRE(wavefronts(addresses, bytes) ==
              static_cast<int>(simt::profiling::count_wavefronts(request).count));
    }
  }
}

TEST_CASE(
    "a tile as large as C reads and writes everything once, one of a single number everything for each") {
  TiledProduct product{.m = 33, .n = 21, .k = 17, .tile_rows = 33, .tile_columns = 21, .number_bytes = 2};
  CHECK(tiled_bytes(product) == 2 * (33 * 17 + 21 * 17 + 33 * 21));
  product.tile_rows = product.tile_columns = 1;
  CHECK(tiled_bytes(product) == 2 * (33 * 21 * 2 * 17 + 33 * 21));
}
