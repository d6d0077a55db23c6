#include "chapters/13_simt/row_sums.h"

#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int threads = 128;
constexpr int lanes = 32;
constexpr unsigned all_lanes = 0xffffffffu;

__global__ void __launch_bounds__(threads) row_sums_kernel(float* sums, const float* x, int n) {
  const float* const x_row = x + 1LL * blockIdx.x * n;
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += threads) sum += x_row[i];
  for (int distance = lanes / 2; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(all_lanes, sum, distance);
  }
  __shared__ float of_warp[threads / lanes];
  if (threadIdx.x % lanes == 0) of_warp[threadIdx.x / lanes] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0;
    for (int warp = 0; warp < threads / lanes; ++warp) total += of_warp[warp];
    sums[blockIdx.x] = total;
  }
}

}  // namespace

void row_sums(float* sums, const float* x, int rows, int n) {
  simt::launch("row_sums", row_sums_kernel, {.grid = dim3(rows), .block = dim3(threads)}, sums, x, n);
}

}  // namespace rung
