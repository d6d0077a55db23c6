// Device buffers, streams and events.

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "cuda/simt/device_memory.h"
#include "cuda/simt/simt.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::event;
using rung::simt::launch;
using rung::simt::stream;

namespace {

__global__ void set(int* out, int value) {
  out[threadIdx.x] = value;
}
/// out = 10 out + value.
__global__ void append(int* out, int value) {
  *out = 10 * *out + value;
}
__global__ void copy(int* out, const int* in) {
  *out = *in;
}
__global__ void fails() {
  if (threadIdx.x == 3) __syncwarp(1);
}

}  // namespace

TEST_CASE("simt: device buffers", "[simt]") {
  device_buffer<float> b(5);
  CHECK(b.size() == 5);
  CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 256 == 0);
  for (const float x : b.download()) CHECK(std::isnan(x));  // nobody has written it
  const std::vector<float> values{1, 2, 3, 4, 5};
  b.upload(values);
  CHECK(b.download() == values);
  CHECK_THROWS_WITH(b.upload(std::vector<float>(4)), "upload to a device buffer of 5 elements: 4 were given");
  CHECK_THROWS_WITH(b.upload(std::vector<float>(6)), "upload to a device buffer of 5 elements: 6 were given");
  std::vector<float> four(4);
  CHECK_THROWS_WITH(b.download(four), "download from a device buffer of 5 elements: 4 were given");
  CHECK(b.download() == values);

  device_buffer<float> moved(std::move(b));
  CHECK(moved.download() == values);
  CHECK(device_buffer<int>(0).download().empty());

  const auto before = rung::simt::allocations().size();
  {
    const device_buffer<int> a(3), c(4);
    CHECK(rung::simt::allocations().size() == before + 2);
  }
  CHECK(rung::simt::allocations().size() == before);
}

TEST_CASE("simt: a device has only so much memory", "[simt]") {
  CHECK_THROWS_WITH(
      device_buffer<float>(std::size_t{1} << 40),
      Catch::Matchers::StartsWith("no room for a device buffer of 1099511627776 elements of 4 bytes") &&
          Catch::Matchers::EndsWith("of NVIDIA A100-SXM4-40GB's 42949672960 bytes are left"));
  CHECK_THROWS_AS(device_buffer<double>(~std::size_t{0}), rung::Error);
  CHECK_THROWS_AS(device_buffer<double>((~std::size_t{0} >> 3) + 2),
                  rung::Error);  // its bytes would wrap to 8
}

TEST_CASE("simt: streams are queues in order", "[simt]") {
  device_buffer<int> out(std::vector<int>{0});
  stream s;
  for (int i = 1; i <= 5; ++i) launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), i);
  s.synchronize();
  CHECK(out.download()[0] == 12345);
  // A kernel's arguments are those of when it was queued.
  int value = 7;
  launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), value);
  value = 8;
  s.synchronize();
  CHECK(out.download()[0] == 123457);
  // Everybody's work, and what is left of a stream that ends.
  {
    const stream t;
    launch("append", append, {.grid = 1, .block = 1, .stream = t}, out.data(), 8);
  }
  launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), 9);
  rung::simt::synchronize();
  CHECK(out.download()[0] == 12345789);
}

TEST_CASE("simt: events order streams, and only they do", "[simt]") {
  device_buffer<int> a(std::vector<int>{1}), b(std::vector<int>{2});
  stream first, second;
  event done;
  launch("set", set, {.grid = 1, .block = 1, .stream = first}, a.data(), 5);
  done.record(first);
  launch("set", set, {.grid = 1, .block = 1, .stream = first}, a.data(), 6);
  second.wait(done);
  launch("copy", copy, {.grid = 1, .block = 1, .stream = second}, b.data(), a.data());
  second.synchronize();
  CHECK(b.download()[0] == 5);  // after the event; not after what came behind it
  first.synchronize();
  CHECK(a.download()[0] == 6);

  // Without the event the second stream does not wait: that it was forgotten shows.
  launch("set", set, {.grid = 1, .block = 1, .stream = first}, a.data(), 9);
  launch("copy", copy, {.grid = 1, .block = 1, .stream = second}, b.data(), a.data());
  second.synchronize();
  CHECK(b.download()[0] == 6);
  rung::simt::synchronize();

  event never;
  second.wait(never);  // nothing was recorded: no wait
  never.synchronize();
  second.synchronize();

  event from, to;
  CHECK_THROWS_AS(event::milliseconds(from, to), rung::Error);
  from.record();
  launch("set", set, {.grid = 100, .block = 64}, device_buffer<int>(64).data(), 9);
  to.record(first);
  CHECK_THROWS_AS(event::milliseconds(from, to), rung::Error);
  to.synchronize();
  CHECK(event::milliseconds(from, to) > 0);
}

TEST_CASE("simt: what goes wrong in a stream comes from who waits for it", "[simt]") {
  device_buffer<int> out(std::vector<int>{0});
  stream s;
  launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), 1);
  launch("fails", fails, {.grid = 1, .block = 32, .stream = s});
  launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), 2);
  event behind;
  behind.record(s);
  // A limit is looked at when it is queued.
  CHECK_THROWS_AS(launch("fails", fails, {.grid = 1, .block = 2048, .stream = s}), rung::Error);
  CHECK_THROWS_WITH(s.synchronize(),
                    Catch::Matchers::StartsWith("kernel fails, block (0, 0, 0), thread (3, 0, 0)"));
  CHECK(out.download()[0] == 1);
  CHECK_THROWS_WITH(behind.synchronize(), "an event is waited for whose stream failed before it got there");
  s.synchronize();
  launch("append", append, {.grid = 1, .block = 1, .stream = s}, out.data(), 3);
  s.synchronize();
  CHECK(out.download()[0] == 13);
  {
    const stream t;
    launch("fails", fails, {.grid = 1, .block = 32, .stream = t});
  }
  CHECK_THROWS_WITH(rung::simt::synchronize(), Catch::Matchers::StartsWith("kernel fails"));
  rung::simt::synchronize();
}
