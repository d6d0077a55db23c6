#include "tests/cuda/profile/patterns.h"

#include <numeric>
#include <vector>

#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"

namespace rung::test {
namespace {

using simt::device_buffer;
using simt::launch;
using simt::Launch;

__global__ void copy_strided_kernel(float* out, const float* in, int stride) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  out[i] = in[i * stride];  // [copy]
}

void store_one(float* out) {
  *out = 1;
}

__global__ void store_and_aside_kernel(float* out, void (*aside)(void (*)(float*), float*)) {
  out[threadIdx.x] = 2;
  aside(store_one, out + 32 + threadIdx.x);
}

__global__ void copy_float4_kernel(float4* out, const float4* in) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = in[i];
}

__global__ void sum_float4_kernel(float* out, const float4* in) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 v = in[i];
  out[i] = v.x + v.y + v.z + v.w;
}

template <int padding>
__global__ void transpose_kernel(float* out, const float* in, int n) {
  __shared__ float tile[32][32 + padding];
  unsigned x = blockIdx.x * 32 + threadIdx.x;
  unsigned y = blockIdx.y * 32 + threadIdx.y;
  for (unsigned j = 0; j < 32; j += 8) {
    tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x];
  }
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (unsigned j = 0; j < 32; j += 8) {
    out[(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
  }
}

template <int padding>
__global__ void shared_float4_rows_kernel(float* out) {
  __shared__ float4 rows[32 * (8 + padding)];
  const unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 32 * (8 + padding); i += 32) {
    rows[i] = make_float4(1, 2, 3, 4);
  }
  __syncwarp();
  const float4 v = rows[lane * (8 + padding)];
  out[lane] = v.x + v.y;
}

template <int padding>
__global__ void ldmatrix_kernel(unsigned* out) {
  __shared__ __align__(16) half tile[16][16 + padding];
  const unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 16 * (16 + padding); i += 32) {
    tile[i / (16 + padding)][i % (16 + padding)] = __float2half(1.0F);
  }
  __syncwarp();
  unsigned r[4];
  ptx::ldmatrix_x4(r, &tile[lane % 16][lane / 16 * 8]);
  out[lane] = r[0] + r[1] + r[2] + r[3];
}

__device__ float warp_sum(float v) {
  for (int o = 16; o > 0; o >>= 1) {
    v += __shfl_xor_sync(0xffffffffU, v, o);  // [shuffle]
  }
  return v;
}

__global__ void block_sum_kernel(float* out, const float* in, int n) {
  __shared__ float part[32];
  float v = 0;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < static_cast<unsigned>(n);
       i += gridDim.x * blockDim.x) {
    v += __ldg(&in[i]);
  }
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) {
    part[threadIdx.x / 32] = v;
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    v = warp_sum(threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0.0F);
    if (threadIdx.x == 0) {
      atomicAdd(out, v);
    }
  }
}

__global__ void gemm_tiled_kernel(float* c, const float* a, const float* b, int n) {
  __shared__ float as[32][32];
  __shared__ float bs[32][32];
  const unsigned row = blockIdx.y * 32 + threadIdx.y;
  const unsigned column = blockIdx.x * 32 + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < n; t += 32) {
    as[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];
    bs[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + column];
    __syncthreads();  // [gemm loaded]
    for (int k = 0; k < 32; ++k) {
      sum += as[threadIdx.y][k] * bs[k][threadIdx.x];
    }
    __syncthreads();  // [gemm used]
  }
  c[row * n + column] = sum;
}

__global__ void gemm_wmma_kernel(float* c, const half* a, const half* b) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
  wmma::fill_fragment(fc, 0.0F);
  wmma::load_matrix_sync(fa, a, 16);
  wmma::load_matrix_sync(fb, b, 16);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}

template <int stride>
__global__ void gemm_wmma_shared_kernel(float* c, const half* a, const half* b) {
  using namespace nvcuda;
  __shared__ __align__(32) half sa[16][stride];
  __shared__ __align__(32) half sb[16][stride];
  for (unsigned i = threadIdx.x; i < 256; i += 32) {
    sa[i / 16][i % 16] = a[i];
    sb[i / 16][i % 16] = b[i];
  }
  __syncthreads();
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
  wmma::fill_fragment(fc, 0.0F);
  wmma::load_matrix_sync(fa, &sa[0][0], stride);
  wmma::load_matrix_sync(fb, &sb[0][0], stride);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_col_major);
}

template <int padding>
__global__ void gemm_mma_kernel(float* c, const half* a, const half* b, int n) {
  __shared__ __align__(16) half sa[2][16][16 + padding];
  __shared__ __align__(16) half sb[2][16][8 + padding];
  const int lane = static_cast<int>(threadIdx.x);
  const int row = static_cast<int>(blockIdx.y) * 16;
  const int column = static_cast<int>(blockIdx.x) * 8;
  float d[4] = {0, 0, 0, 0};
  auto fetch = [&](int buffer, int k) {
    ptx::cp_async16(&sa[buffer][lane / 2][lane % 2 * 8], a + (row + lane / 2) * n + k + lane % 2 * 8);
    if (lane < 16) {
      ptx::cp_async16(&sb[buffer][lane][0], b + (k + lane) * n + column);
    }
    ptx::cp_async_commit();
  };
  fetch(0, 0);
  for (int k = 0, buffer = 0; k < n; k += 16, buffer ^= 1) {
    if (k + 16 < n) {
      fetch(buffer ^ 1, k + 16);
      ptx::cp_async_wait<1>();
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncwarp();
    unsigned ra[4];
    unsigned rb[2];
    ptx::ldmatrix_x4(ra, &sa[buffer][lane % 16][lane / 16 * 8]);
    ptx::ldmatrix_x2_trans(rb, &sb[buffer][lane % 16][0]);
    ptx::mma_m16n8k16(d, ra, rb);
    __syncwarp();
  }
  const int g = lane / 4;
  const int t = lane % 4;
  c[(row + g) * n + column + 2 * t] = d[0];
  c[(row + g) * n + column + 2 * t + 1] = d[1];
  c[(row + g + 8) * n + column + 2 * t] = d[2];
  c[(row + g + 8) * n + column + 2 * t + 1] = d[3];
}

__global__ void histogram_kernel(int* bins, int count) {
  atomicAdd(&bins[static_cast<int>(threadIdx.x) % count], 1);
}

__global__ void divergent_kernel(float* out, const float* in) {
  float v = 0;
  for (unsigned i = 0; i < 1 + threadIdx.x % 2; ++i) {
    v += in[i * 32 + threadIdx.x];  // [divergent loop]
  }
  if (threadIdx.x < 16) {
    v += in[64 + threadIdx.x];  // [divergent half]
  }
  out[threadIdx.x] = v;  // [divergent all]
}

__global__ void early_exit_kernel(float* out, const float* in, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) {
    return;
  }
  out[i] = in[i];
}

__global__ void break_and_continue_kernel(float* out, const float* in) {
  float v = 0;
  for (unsigned i = 0; i < 3; ++i) {
    v += in[i * 32 + threadIdx.x];  // [break first]
    if (threadIdx.x == 0) {
      break;
    }
    if (threadIdx.x % 2 == 1) {
      continue;
    }
    v += in[(3 + i) * 32 + threadIdx.x];  // [break second]
  }
  out[threadIdx.x] = v;  // [break all]
}

__global__ void switch_kernel(float* out, const float* in) {
  float v = 0;
  switch (threadIdx.x % 4) {
    case 0:
      v = in[threadIdx.x];  // [switch 0]
      break;
    case 1:
      v = 1;
      [[fallthrough]];
    case 2:
      v += in[32 + threadIdx.x];  // [switch 1 and 2]
      break;
    default:
      v = 2;
  }
  out[threadIdx.x] = v;  // [switch all]
}

__global__ void nested_kernel(float* out, const float* in) {
  float v = 0;
  for (unsigned i = 0; i < 2; ++i) {
    for (unsigned j = 0; j <= threadIdx.x % 2; ++j) {
      v += in[(i * 2 + j) * 32 + threadIdx.x];  // [nested inner]
    }
  }
  out[threadIdx.x] = v;  // [nested all]
}

__global__ void nested_twice_kernel(float* out, const float* in) {
  float v = 0;
  for (unsigned i = 0; i < 1 + threadIdx.x % 2; ++i) {
    v += in[i * 32 + threadIdx.x];  // [twice outer]
    for (unsigned j = 0; j < 1 + threadIdx.x % 4 / 2; ++j) {
      v += in[(i * 2 + j) * 32 + threadIdx.x];  // [twice inner]
    }
    v += in[i * 64 + threadIdx.x];  // [twice after]
  }
  out[threadIdx.x] = v;  // [twice all]
}

__global__ void while_halving_kernel(float* out, const float* in) {
  float v = 0;
  unsigned n = threadIdx.x;
  while (n > 0) {
    v += in[n];  // [halving]
    n /= 2;
  }
  out[threadIdx.x] = v;
}

__device__ __attribute__((noinline)) float load_one(const float* p) {
  return *p;  // [load one]
}

__global__ void two_places_kernel(float* out, const float* in) {
  float v = 0;
  if (threadIdx.x % 2 == 1) {
    v += load_one(in + threadIdx.x);
  }
  v += load_one(in + 32 + threadIdx.x);
  out[threadIdx.x] = v;  // [two places all]
}

__device__ __attribute__((noinline)) float load_some(const float* p, unsigned count) {
  float v = 0;
  for (unsigned i = 0; i < count; ++i) {
    v += p[i * 32];  // [load some]
  }
  return v;
}

__global__ void called_in_a_loop_kernel(float* out, const float* in) {
  float v = 0;
  for (unsigned i = 0; i < 2; ++i) {
    v += load_some(in + threadIdx.x, 1 + threadIdx.x % 2);
  }
  out[threadIdx.x] = v;  // [in a loop all]
}

__global__ void short_circuit_kernel(float* out, const float* a, const float* b) {
  const unsigned i = threadIdx.x;
  float v = 0;
  if (a[i] > 0        // [circuit first]
      && b[i] > 0) {  // [circuit second]
    v = a[i + 32];    // [circuit inside]
  }
  out[i] = v;  // [circuit all]
}

__global__ void conditional_operator_kernel(float* out, const float* a, const float* b) {
  const unsigned i = threadIdx.x;
  out[i] = i % 2 == 0 ? a[i] : b[i];  // [conditional]
}

device_buffer<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return device_buffer<float>(values);
}

device_buffer<half> halves(std::size_t count) {
  return device_buffer<half>(std::vector<half>(count, __float2half(1.0F)));
}

// A kernel of one warp that reads 256 numbers and writes 32.
void one_warp(const char* name, void (*kernel)(float*, const float*)) {
  device_buffer<float> out(32);
  const device_buffer<float> in = numbers(256);
  launch(name, kernel, Launch{.grid = 1, .block = 32}, out.data(), in.data());
}

}  // namespace

void copy_strided(int stride, int offset) {
  device_buffer<float> out(512);
  const device_buffer<float> in = numbers(static_cast<std::size_t>(512 * stride + offset));
  launch("copy_strided", copy_strided_kernel, Launch{.grid = 4, .block = 128}, out.data(), in.data() + offset,
         stride);
}

void store_and_aside(void (*aside)(void (*)(float*), float*)) {
  device_buffer<float> out(64);
  launch("store_and_aside", store_and_aside_kernel, Launch{.grid = 1, .block = 32}, out.data(), aside);
}

void copy_float4() {
  device_buffer<float> out(2048);
  const device_buffer<float> in = numbers(2048);
  launch("copy_float4", copy_float4_kernel, Launch{.grid = 4, .block = 128},
         reinterpret_cast<float4*>(out.data()), reinterpret_cast<const float4*>(in.data()));
}

void sum_float4() {
  device_buffer<float> out(512);
  const device_buffer<float> in = numbers(2048);
  launch("sum_float4", sum_float4_kernel, Launch{.grid = 4, .block = 128}, out.data(),
         reinterpret_cast<const float4*>(in.data()));
}

void transpose(int padding) {
  device_buffer<float> out(4096);
  const device_buffer<float> in = numbers(4096);
  launch("transpose", padding == 0 ? transpose_kernel<0> : transpose_kernel<1>,
         Launch{.grid = dim3(2, 2), .block = dim3(32, 8)}, out.data(), in.data(), 64);
}

void shared_float4_rows(int padding) {
  device_buffer<float> out(32);
  launch("shared_float4_rows", padding == 0 ? shared_float4_rows_kernel<0> : shared_float4_rows_kernel<1>,
         Launch{.grid = 1, .block = 32}, out.data());
}

void ldmatrix(int padding) {
  device_buffer<unsigned> out(32);
  launch("ldmatrix", padding == 0 ? ldmatrix_kernel<0> : ldmatrix_kernel<8>, Launch{.grid = 1, .block = 32},
         out.data());
}

void block_sum() {
  device_buffer<float> out(std::vector<float>{0.0F});
  const device_buffer<float> in = numbers(1000);
  launch("block_sum", block_sum_kernel, Launch{.grid = 4, .block = 256}, out.data(), in.data(), 1000);
}

void gemm_tiled(int n) {
  const auto count = static_cast<std::size_t>(n * n);
  device_buffer<float> c(count);
  const device_buffer<float> a = numbers(count);
  const device_buffer<float> b = numbers(count);
  const auto tiles = static_cast<unsigned>(n / 32);
  launch("gemm_tiled", gemm_tiled_kernel, Launch{.grid = dim3(tiles, tiles), .block = dim3(32, 32)}, c.data(),
         a.data(), b.data(), n);
}

void gemm_wmma() {
  device_buffer<float> c(256);
  const device_buffer<half> a = halves(256);
  const device_buffer<half> b = halves(256);
  launch("gemm_wmma", gemm_wmma_kernel, Launch{.grid = 1, .block = 32}, c.data(), a.data(), b.data());
}

void gemm_wmma_shared(int stride) {
  device_buffer<float> c(256);
  const device_buffer<half> a = halves(256);
  const device_buffer<half> b = halves(256);
  launch("gemm_wmma_shared", stride == 32 ? gemm_wmma_shared_kernel<32> : gemm_wmma_shared_kernel<40>,
         Launch{.grid = 1, .block = 32}, c.data(), a.data(), b.data());
}

void gemm_mma(int n, int padding) {
  const auto count = static_cast<std::size_t>(n * n);
  device_buffer<float> c(count);
  const device_buffer<half> a = halves(count);
  const device_buffer<half> b = halves(count);
  launch("gemm_mma", padding == 0 ? gemm_mma_kernel<0> : gemm_mma_kernel<8>,
         Launch{.grid = dim3(static_cast<unsigned>(n / 8), static_cast<unsigned>(n / 16)), .block = 32},
         c.data(), a.data(), b.data(), n);
}

void histogram(int bins) {
  device_buffer<int> counts(std::vector<int>(static_cast<std::size_t>(bins), 0));
  launch("histogram", histogram_kernel, Launch{.grid = 1, .block = 128}, counts.data(), bins);
}

void early_exit() {
  device_buffer<float> out(100);
  const device_buffer<float> in = numbers(100);
  launch("early_exit", early_exit_kernel, Launch{.grid = 1, .block = 128}, out.data(), in.data(), 100U);
}

void divergent() {
  one_warp("divergent", divergent_kernel);
}
void break_and_continue() {
  one_warp("break_and_continue", break_and_continue_kernel);
}
void switch_of_four() {
  one_warp("switch_of_four", switch_kernel);
}
void nested() {
  one_warp("nested", nested_kernel);
}
void nested_twice() {
  one_warp("nested_twice", nested_twice_kernel);
}
void while_halving() {
  one_warp("while_halving", while_halving_kernel);
}
void called_from_two_places() {
  one_warp("called_from_two_places", two_places_kernel);
}
void called_in_a_loop() {
  one_warp("called_in_a_loop", called_in_a_loop_kernel);
}

void short_circuit() {
  device_buffer<float> out(32);
  std::vector<float> first(64, 1.0F);
  std::vector<float> second(64, 1.0F);
  for (unsigned i = 0; i < 32; ++i) {
    first[i] = i % 2 == 0 ? 1.0F : -1.0F;
    second[i] = i % 4 == 0 ? 1.0F : -1.0F;
  }
  const device_buffer<float> a(first);
  const device_buffer<float> b(second);
  launch("short_circuit", short_circuit_kernel, Launch{.grid = 1, .block = 32}, out.data(), a.data(),
         b.data());
}

void conditional_operator() {
  device_buffer<float> out(32);
  const device_buffer<float> a = numbers(32);
  const device_buffer<float> b = numbers(32);
  launch("conditional_operator", conditional_operator_kernel, Launch{.grid = 1, .block = 32}, out.data(),
         a.data(), b.data());
}

}  // namespace rung::test
