// How fast the executor is: run `test_simt "[speed]"` on a machine that has nothing else to do. Not part of the tests, since
// what it prints is the machine's as much as the executor's.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <vector>

#include "tests/catch.h"
#include "tests/cuda/simt/first_kernels.cuh"

using rung::simt::device_buffer;
using rung::simt::launch;
namespace first = rung::cuda::first;

namespace {

/// Medians over runs, in milliseconds: what the clock says, and what the processors did.
struct Times {
  double wall, processor;
};

double processor_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

Times median_of(int runs, const std::function<void()>& work) {
  work();
  std::vector<double> wall, processor;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double before = processor_milliseconds();
    work();
    processor.push_back(processor_milliseconds() - before);
    wall.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(wall.begin(), wall.end());
  std::sort(processor.begin(), processor.end());
  return {wall[wall.size() / 2], processor[processor.size() / 2]};
}

void print(const char* what, const std::function<void()>& work) {
  rung::simt::set_threads(1);
  const Times one = median_of(21, work);
  rung::simt::set_threads(2);
  const Times two = median_of(21, work);
  rung::simt::set_threads(0);
  std::printf("%-28s one OS thread %7.2f ms (processor %7.2f), two %7.2f ms (processor %7.2f): %.2fx\n", what,
              one.wall, one.processor, two.wall, two.processor, one.wall / two.wall);
}

__global__ void barriers(int times) {
  for (int i = 0; i < times; ++i) __syncthreads();
}

__global__ void shuffles(int* out, int times) {
  int x = threadIdx.x;
  for (int i = 0; i < times; ++i) x = __shfl_xor_sync(0xffffffffu, x, 1);
  out[threadIdx.x] = x;
}

}  // namespace

TEST_CASE("simt: speed of products of 256 x 256 x 256, of barriers and of shuffles", "[.speed]") {
  const int n = 256;
  const std::vector<float> values(n * n, 0.5f);
  const std::vector<half> halves(n * n, half(0.5f));
  device_buffer<float> a(values), b(values), c(n * n);
  device_buffer<half> ha(halves), hb(halves);
  print("tiled, fp32, tiles of 32", [&] {
    launch("gemm_tiled", first::gemm_tiled<32>, {.grid = dim3(8, 8), .block = dim3(32, 32)}, c.data(),
           a.data(), b.data(), n);
  });
  print("wmma, fp16", [&] {
    launch("gemm_wmma", first::gemm_wmma<half>, {.grid = dim3(4, 16), .block = 128}, c.data(), ha.data(),
           hb.data(), n);
  });
  print("mma.sync, fp16", [&] {
    launch("gemm_mma", first::gemm_mma<half>, {.grid = dim3(32, 16), .block = 32}, c.data(), ha.data(),
           hb.data(), n);
  });
  print("1000 barriers, 1024 threads",
        [&] { launch("barriers", barriers, {.grid = 2, .block = 1024}, 1000); });
  device_buffer<int> out(32);
  print("10000 shuffles, 1 warp",
        [&] { launch("shuffles", shuffles, {.grid = 2, .block = 32}, out.data(), 10000); });
}
