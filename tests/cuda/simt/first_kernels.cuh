#pragma once

// Kernels that use most of what there is, as the project's own do; for nvcc and for the executor.

#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"

namespace rung::cuda::first {

/// out = inᵀ, [n, n].
inline __global__ void __launch_bounds__(256) transpose(float* out, const float* in, int n) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8) {
    if (y + j < n && x < n) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x];
  }
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8) {
    if (y + j < n && x < n) out[(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
  }
}

template <typename T>
__device__ T warp_sum(T value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

/// *out += Σ in.
inline __global__ void block_sum(float* out, const float* in, int n) {
  __shared__ float partial[32];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    sum += __ldg(&in[i]);
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    sum = warp_sum(threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f);
    if (threadIdx.x == 0) atomicAdd(out, sum);
  }
}

/// c = a · b, [n, n], n a multiple of the tile.
template <int tile>
__global__ void __launch_bounds__(tile* tile) gemm_tiled(float* c, const float* a, const float* b, int n) {
  __shared__ float as[tile][tile], bs[tile][tile];
  const int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < n; t += tile) {
    as[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];
    bs[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + column];
    __syncthreads();
#pragma unroll
    for (int k = 0; k < tile; ++k) sum += as[threadIdx.y][k] * bs[k][threadIdx.x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

/// c = a · b, [n, n], one warp for 16 × 16 of c.
template <typename T>
__global__ void gemm_wmma(float* c, const T* a, const T* b, int n) {
  using namespace nvcuda;
  const int row = blockIdx.y * 16, column = (blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32) * 16;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, T, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, T, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
  wmma::fill_fragment(fc, 0.0f);
  for (int k = 0; k < n; k += 16) {
    wmma::load_matrix_sync(fa, a + row * n + k, n);
    wmma::load_matrix_sync(fb, b + k * n + column, n);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  wmma::store_matrix_sync(c + row * n + column, fc, n, wmma::mem_row_major);
}

__device__ inline void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], half) {
  ptx::mma_m16n8k16(d, a, b);
}
__device__ inline void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                                __nv_bfloat16) {
  ptx::mma_m16n8k16_bf16(d, a, b);
}

/// c = a · b, [n, n], one warp for 16 × 8 of c: cp.async into two stages of padded shared memory, ldmatrix, mma.
template <typename T>
__global__ void gemm_mma(float* c, const T* a, const T* b, int n) {
  __shared__ __align__(16) T sa[2][16][16 + 8];
  __shared__ __align__(16) T sb[2][16][8 + 8];
  const int lane = threadIdx.x, row = blockIdx.y * 16, column = blockIdx.x * 8;
  float d[4] = {0, 0, 0, 0};
  auto fetch = [&](int stage, int k) {
    ptx::cp_async16(&sa[stage][lane / 2][lane % 2 * 8], a + (row + lane / 2) * n + k + lane % 2 * 8);
    if (lane < 16) ptx::cp_async16(&sb[stage][lane][0], b + (k + lane) * n + column);
    ptx::cp_async_commit();
  };
  fetch(0, 0);
  for (int k = 0, stage = 0; k < n; k += 16, stage ^= 1) {
    if (k + 16 < n) {
      fetch(stage ^ 1, k + 16);
      ptx::cp_async_wait<1>();
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncwarp();
    unsigned ra[4], rb[2];
    ptx::ldmatrix_x4(ra, &sa[stage][lane % 16][lane / 16 * 8]);
    ptx::ldmatrix_x2_trans(rb, &sb[stage][lane % 16][0]);
    multiply(d, ra, rb, T());
    __syncwarp();
  }
  const int g = lane / 4, t = lane % 4;
  c[(row + g) * n + column + 2 * t] = d[0];
  c[(row + g) * n + column + 2 * t + 1] = d[1];
  c[(row + g + 8) * n + column + 2 * t] = d[2];
  c[(row + g + 8) * n + column + 2 * t + 1] = d[3];
}

/// out = in backwards, through dynamic shared memory.
inline __global__ void reverse(float* out, const float* in) {
  float* held = simt::dynamic_shared<float>();
  held[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = held[blockDim.x - 1 - threadIdx.x];
}

}  // namespace rung::cuda::first
