// The chapter's counts against the profiler's, which were written by others.

#include <cstdint>
#include <vector>

#include "chapters/13_simt/warp_request.h"
#include "core/check/random.h"
#include "cuda/simt/profile/request.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE("the chapter counts sectors as the profiler does") {
  check::Random random(13);
  for (const int bytes : {1, 2, 4, 8, 16}) {
    for (int trial = 0; trial < 1000; ++trial) {
      const std::int64_t range = std::int64_t{1} << (trial % 11);  // from all lanes alike to hardly any two
      const auto count = static_cast<std::size_t>(1 + random.below(32));
      simt::profiling::Request request{.mask = static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1),
                                       .bytes = static_cast<unsigned>(bytes),
                                       .address = {}};
      std::vector<std::int64_t> addresses;
      for (std::size_t lane = 0; lane < count; ++lane) {
        addresses.push_back(random.below(range) * bytes);
        request.address[lane] = 4096 + static_cast<std::uintptr_t>(addresses.back());
      }
      simt::profiling::Sectors found;
      simt::profiling::find_sectors(request, found);
      REQUIRE(sectors(addresses, bytes) == static_cast<int>(found.count));
      REQUIRE(fewest_sectors(addresses, bytes) == static_cast<int>(found.ideal));
    }
  }
}
