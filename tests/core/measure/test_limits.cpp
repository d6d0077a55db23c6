#include <cstdint>

#include "core/error.h"
#include "core/measure/gemm.h"
#include "core/measure/limits.h"
#include "tests/catch.h"

using namespace rung::measure;

// How fast this machine is, is nothing a unit test can know, least of all while others use it. These tests
// ask for what no machine that runs them can miss: the right order of magnitude (a forgotten factor of 1,000
// or a loop that the compiler threw away shows), and that nonsense is refused.

TEST_CASE("Read bandwidth is that of a memory: neither a disk's nor a register's") {
  const double rate = read_bandwidth(1, 0.01, std::int64_t{32} << 20);  // small: the tests are many
  CHECK(rate > 1e8);
  CHECK(rate < 1e12);
}

TEST_CASE("The FMA peak is a processor's") {
  const double rate = fma_peak(2, 0.01);
  CHECK(rate > 1e7);
  CHECK(rate < 1e13);
}

TEST_CASE("The bandwidth buffer is larger than the caches") {
  CHECK(bandwidth_buffer_bytes() >= std::int64_t{256} << 20);
  CHECK(bandwidth_buffer_bytes() <= std::int64_t{1} << 30);
  CHECK(last_level_cache_bytes() > 0);
}

TEST_CASE("Eigen's GEMM rate is a processor's") {
  const LinearShape shapes[] = {{.out = 64, .in = 96, .count = 3}, {.out = 32, .in = 64, .count = 1}};
  const double rate = eigen_gemm_rate(shapes, 33, 1, 3);
  CHECK(rate > 1e6);
  CHECK(rate < 1e13);
}

TEST_CASE("Limits of nothing are usage errors") {
  CHECK_THROWS_AS(read_bandwidth(0), rung::Error);
  CHECK_THROWS_AS(read_bandwidth(1, 0.01, 100), rung::Error);
  CHECK_THROWS_AS(fma_peak(-1), rung::Error);
  CHECK_THROWS_AS(eigen_gemm_rate({}, 1, 1), rung::Error);
  const LinearShape empty[] = {{.out = 0, .in = 4}};
  CHECK_THROWS_AS(eigen_gemm_rate(empty, 1, 1), rung::Error);
  const LinearShape one[] = {{.out = 4, .in = 4}};
  CHECK_THROWS_AS(eigen_gemm_rate(one, 0, 1), rung::Error);
  CHECK_THROWS_AS(eigen_gemm_rate(one, 1, 0), rung::Error);
  CHECK_THROWS_AS(eigen_gemm_rate(one, 1, 1, 0), rung::Error);
}
