// Kernels of the project's kind, on the executor (or under nvcc on a GPU), against plain loops.

#include "tests/cuda/simt/first_kernels.cuh"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/catch.h"

namespace first = rung::cuda::first;
using rung::simt::device_buffer;
using rung::simt::launch;

namespace {

constexpr int n = 64;

/// Numbers in [-1, 1) that fp16 and bfloat16 hold exactly.
std::vector<float> numbers(std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(n * n);
  for (float& x : values) x = static_cast<float>(static_cast<int>(generator() % 256) - 128) / 128.0f;
  return values;
}

std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> c(n * n);
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < n; ++k) {
      for (int j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
    }
  }
  return c;
}

template <typename T>
device_buffer<T> uploaded(const std::vector<float>& values) {
  std::vector<T> converted;
  converted.reserve(values.size());
  for (const float x : values) converted.push_back(static_cast<T>(x));
  return device_buffer<T>(converted);
}

// Sums of such products are multiples of 2^-14 below 64: fp32 holds them exactly, in whatever order they are formed.
const std::vector<float> a = numbers(1), b = numbers(2), expected = product(a, b);

}  // namespace

TEST_CASE("simt: a tiled product equals plain loops", "[simt]") {
  auto da = uploaded<float>(a), db = uploaded<float>(b);
  device_buffer<float> dc(n * n);
  launch("gemm_tiled", first::gemm_tiled<16>, {.grid = dim3(n / 16, n / 16), .block = dim3(16, 16)},
         dc.data(), da.data(), db.data(), n);
  CHECK(dc.download() == expected);
}

TEMPLATE_TEST_CASE("simt: wmma and mma products equal plain loops", "[simt]", half, __nv_bfloat16) {
  auto da = uploaded<TestType>(a), db = uploaded<TestType>(b);
  device_buffer<float> dc(n * n);
  launch("gemm_wmma", first::gemm_wmma<TestType>, {.grid = dim3(n / 32, n / 16), .block = 64}, dc.data(),
         da.data(), db.data(), n);
  CHECK(dc.download() == expected);
  device_buffer<float> other(n * n);
  launch("gemm_mma", first::gemm_mma<TestType>, {.grid = dim3(n / 8, n / 16), .block = 32}, other.data(),
         da.data(), db.data(), n);
  CHECK(other.download() == expected);
}

TEST_CASE("simt: a sum over blocks, with atomics", "[simt]") {
  auto in = uploaded<float>(a);
  device_buffer<float> out(std::vector<float>{0});
  launch("block_sum", first::block_sum, {.grid = 4, .block = 256}, out.data(), in.data(), n * n);
  float sum = 0;
  for (const float x : a) sum += x;
  CHECK(out.download()[0] == sum);
}

TEST_CASE("simt: a transpose of a ragged matrix, and dynamic shared memory", "[simt]") {
  const int odd = 61;
  auto in = uploaded<float>(a);
  device_buffer<float> out(n * n);
  launch("transpose", first::transpose, {.grid = dim3(2, 2), .block = dim3(32, 8)}, out.data(), in.data(),
         odd);
  const auto got = out.download();
  int wrong = 0;
  for (int i = 0; i < odd; ++i) {
    for (int j = 0; j < odd; ++j) wrong += got[i * odd + j] != a[j * odd + i];
  }
  CHECK(wrong == 0);
  launch("reverse", first::reverse, {.grid = 1, .block = 100, .shared_bytes = 400}, out.data(), in.data());
  const auto backwards = out.download();
  for (int i = 0; i < 100; ++i) wrong += backwards[i] != a[99 - i];
  CHECK(wrong == 0);
}
