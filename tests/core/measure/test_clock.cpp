#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include <malloc.h>

#include "core/error.h"
#include "core/measure/clock.h"
#include "core/measure/memory.h"
#include "tests/catch.h"

using namespace rung::measure;

TEST_CASE("The median is the middle of the sorted samples, or the mean of the middle two") {
  CHECK(median(std::vector<double>{3}) == 3);
  CHECK(median(std::vector<double>{9, 1, 5}) == 5);
  CHECK(median(std::vector<double>{4, 1, 100, 2}) == 3);
}

TEST_CASE("Quantiles interpolate as NumPy's do") {
  // numpy.quantile([15, 20, 35, 40, 50], [0, 0.05, 0.3, 0.4, 0.95, 1]) by its definition.
  const std::vector<double> samples = {40, 15, 50, 20, 35};
  CHECK(quantile(samples, 0) == 15);
  CHECK(quantile(samples, 0.05) == Approx(16));
  CHECK(quantile(samples, 0.3) == Approx(23));
  CHECK(quantile(samples, 0.4) == Approx(29));
  CHECK(quantile(samples, 0.95) == Approx(48));
  CHECK(quantile(samples, 1) == 50);
  CHECK(samples.front() == 40);  // the caller's order stays
}

TEST_CASE("A quantile of nothing, or outside [0, 1], is a usage error") {
  CHECK_THROWS_AS(median(std::vector<double>{}), rung::Error);
  CHECK_THROWS_AS(quantile(std::vector<double>{1}, 1.5), rung::Error);
  CHECK_THROWS_AS(quantile(std::vector<double>{1}, -0.1), rung::Error);
}

TEST_CASE("Time does not go back") {
  const Stopwatch watch;
  double before = 0;
  while (before < 0.001) {
    const double now = watch.seconds();
    CHECK(now >= before);
    before = now;
  }
}

TEST_CASE("Peak memory sees a buffer that was touched, and stays after it is gone") {
  const std::int64_t size = peak_resident_bytes() + (std::int64_t{16} << 20);  // more than there ever was
  {
    const std::vector<char> buffer(static_cast<std::size_t>(size), 1);
    CHECK(peak_resident_bytes() >= size);
    CHECK(buffer.back() == 1);
  }
  CHECK(peak_resident_bytes() >= size);
}

#ifdef M_PERTURB
TEST_CASE("Zeroed memory holds zeros, whatever was freed before") {
  constexpr std::size_t bytes = 100'000;
  const auto sum_of_new = [] {
    const std::unique_ptr<unsigned char, decltype(&std::free)> buffer(
        static_cast<unsigned char*>(std::malloc(bytes)), &std::free);
    return std::accumulate(buffer.get(), buffer.get() + bytes, 0);
  };
  for (int i = 0; i < 4; ++i) {
    const std::vector<unsigned char> garbage(bytes, 7);
    CHECK(garbage.back() == 7);
  }
  const ZeroedMemory zeros;
  CHECK(sum_of_new() == 0);
}
#endif
