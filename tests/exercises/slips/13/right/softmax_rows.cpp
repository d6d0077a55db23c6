#include "chapters/13_simt/softmax_rows.h"

#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int threads = 128;
constexpr int lanes = 32;

__device__ cuda::MaxSum both(cuda::MaxSum a, cuda::MaxSum b) {
  const float max = fmaxf(a.max, b.max);
  if (max == -INFINITY) return {};
  return {max, a.sum * expf(a.max - max) + b.sum * expf(b.max - max)};
}

__global__ void __launch_bounds__(threads)
    softmax_kernel(float* y, const float* x, cuda::SoftmaxShape shape) {
  const float* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  float* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  cuda::MaxSum own;
  for (int i = threadIdx.x; i < shape.n; i += threads) own = both(own, {x_row[i], 1});
  for (int distance = lanes / 2; distance > 0; distance /= 2) {
    const float max = __shfl_xor_sync(0xffffffffu, own.max, distance);
    const float sum = __shfl_xor_sync(0xffffffffu, own.sum, distance);
    own = both(own, {max, sum});
  }
  __shared__ float max_of_warp[threads / lanes];
  __shared__ float sum_of_warp[threads / lanes];
  if (threadIdx.x % lanes == 0) {
    max_of_warp[threadIdx.x / lanes] = own.max;
    sum_of_warp[threadIdx.x / lanes] = own.sum;
  }
  __syncthreads();
  cuda::MaxSum all;
  for (int warp = 0; warp < threads / lanes; ++warp) all = both(all, {max_of_warp[warp], sum_of_warp[warp]});
  for (int i = threadIdx.x; i < shape.n; i += threads)
    y_row[i] = all.max == -INFINITY ? 0 : expf(x_row[i] - all.max) / all.sum;
}

}  // namespace

void softmax_rows(float* y, const float* x, const cuda::SoftmaxShape& shape) {
  simt::launch("softmax", softmax_kernel, {.grid = dim3(shape.rows), .block = dim3(threads)}, y, x, shape);
}

}  // namespace rung
