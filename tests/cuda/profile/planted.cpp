#include "tests/cuda/profile/planted.h"

#include <vector>

#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"

namespace rung::test {
namespace {

using simt::device_buffer;
using simt::launch;
using simt::Launch;

template <Plant plant>
__global__ void gemm_kernel(float* c, const float* a, const float* b, int n) {
  __shared__ float as[16][16];
  __shared__ float bs[16][16];
  const unsigned row = blockIdx.y * 16 + threadIdx.y;
  const unsigned column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < n; t += 16) {
    as[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];       // [gemm store a]
    bs[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + column];  // [gemm store b]
    if (plant != Plant::no_barrier_before_reading) {
      __syncthreads();
    }
    for (int k = 0; k < 16; ++k) {
      sum += as[threadIdx.y][k] *  // [gemm read a]
             bs[k][threadIdx.x];   // [gemm read b]
    }
    if (plant != Plant::no_barrier_after_reading) {
      __syncthreads();
    }
  }
  c[row * n + column] = sum;
}

template <Plant plant>
__global__ void warp_kernel(int* out, const int* in) {
  __shared__ int s[64];
  const unsigned warp = threadIdx.x & ~31U;
  const unsigned lane = threadIdx.x & 31U;
  if (plant == Plant::one_word_from_all_lanes) {
    s[warp] = in[threadIdx.x];  // [one word]
    __syncwarp();
    out[threadIdx.x] = s[warp];
    return;
  }
  s[threadIdx.x] = in[threadIdx.x];  // [warp store]
  int other = static_cast<int>(31 - lane);
  if (plant == Plant::syncwarp) {
    __syncwarp();
  } else if (plant == Plant::shuffle_as_a_fence) {
    other = __shfl_sync(0xffffffffU, other, static_cast<int>(lane));
  } else if (plant == Plant::half_masks || plant == Plant::half_mask_across) {
    if (lane < 16) {
      __syncwarp(0x0000ffffU);
    } else {
      __syncwarp(0xffff0000U);
    }
    if (plant == Plant::half_masks) {
      other = static_cast<int>(lane ^ 15U);
    }
  } else if (plant == Plant::chain_of_masks || plant == Plant::broken_chain_of_masks) {
    // Lane 0's number goes to lane 2 by way of lane 1: ordered, though no mask names both.
    if (lane <= 1) {
      __syncwarp(0x3U);
    }
    if (lane == 1 && plant == Plant::broken_chain_of_masks) {
      __syncwarp(0x2U);
    } else if (lane == 1 || (lane == 2 && plant == Plant::chain_of_masks)) {
      __syncwarp(0x6U);
    }
    other = lane == 2 ? 0 : static_cast<int>(lane);
  }
  out[threadIdx.x] = s[warp + static_cast<unsigned>(other)];  // [warp read]
}

// A fragment goes through shared memory from lane to lane; the next takes its place.
template <Plant plant>
__global__ void wmma_kernel(float* out) {
  using namespace nvcuda;
  __shared__ __align__(32) float s[16 * 16];
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fragment;
  for (int i = 0; i < 2; ++i) {
    wmma::fill_fragment(fragment, 1.0F);
    wmma::store_matrix_sync(s, fragment, 16, wmma::mem_row_major);  // [wmma store]
    if (plant == Plant::wmma_and_syncwarp) {
      __syncwarp();
    }
    out[threadIdx.x] = s[8 * threadIdx.x];  // [wmma read]
    __syncwarp();
  }
}

template <Plant plant>
__global__ void unwritten_kernel(float* out, const float* never) {
  __shared__ float fixed[64];
  float* dynamic = simt::dynamic_shared<float>();
  const unsigned i = threadIdx.x;
  if (i != 5) {
    fixed[i] = 1;
    dynamic[i] = 1;
  }
  __syncthreads();
  if (plant == Plant::uninitialised_static) {
    out[i] = fixed[63 - i];  // [unwritten static]
  } else if (plant == Plant::uninitialised_dynamic) {
    out[i] = dynamic[63 - i];  // [unwritten dynamic]
  } else {
    out[i] = never[i];  // [unwritten global]
  }
}

// Of a matrix of 32 columns.
__device__ inline float element(const float* matrix, int r, int c) {
  return matrix[32 * r + c];  // [helper]
}

template <Plant plant>
__global__ void bounds_kernel(float* out, const float* in, int n) {
  __shared__ float row[32];
  __shared__ float table[4][32];
  float* dynamic = simt::dynamic_shared<float>();
  const int i = static_cast<int>(threadIdx.x);
  if (i < 32) {
    row[i] = 0;
  }
  table[i / 16][i % 16] = 0;
  dynamic[i] = 0;
  __syncthreads();
  out[i] = row[i % 32] + table[i / 16][i % 16];
  __syncthreads();
  switch (plant) {
    case Plant::behind_dynamic_read:
      out[i] = dynamic[i + 1];  // [dynamic read]
      break;
    case Plant::behind_dynamic_write:
      dynamic[i + 1] = 0;  // [dynamic write]
      break;
    case Plant::before_dynamic:
      out[i] = dynamic[i - 1];  // [dynamic before]
      break;
    case Plant::index_of_an_array:
      if (i < 32) {
        row[i + 1] = 1;  // [array index]
      }
      break;
    case Plant::index_of_a_row:
      if (i < 32) {
        table[0][i + n] = 1;  // [row index]
      }
      break;
    case Plant::pointer_to_an_array: {
      const float* const from = row;
      out[i] = from[i];  // [array pointer]
      break;
    }
    case Plant::pointer_in_a_helper:
      out[i] = element(row, i / 32, i % 32);
      break;
    case Plant::behind_a_buffer:
      out[i + 1] = 1;  // [behind buffer]
      break;
    case Plant::between_two_buffers:
      out[i] = in[n + i];  // [between buffers]
      break;
    case Plant::before_a_buffer:
      out[i] = in[i - 1];  // [before buffer]
      break;
    case Plant::far_away:
      out[i * (1 << 28)] = 1;  // [far away]
      break;
    case Plant::null:
      out[i] = *static_cast<const float*>(nullptr);
      break;
    case Plant::misaligned: {
      const float4 v = *reinterpret_cast<const float4*>(in + 1);  // [misaligned]
      out[i] = v.x;
      break;
    }
    default:
      break;
  }
}

template <Plant plant>
__global__ void copy_kernel(float* out, const float* in) {
  __shared__ __align__(16) float s[128];
  ptx::cp_async16(&s[threadIdx.x * 4], in + threadIdx.x * 4);  // [copy]
  if (plant == Plant::copy_left_behind) {
    out[threadIdx.x] = 0;
    return;
  }
  ptx::cp_async_commit();
  if (plant != Plant::copy_not_waited_for) {
    ptx::cp_async_wait<0>();
  }
  if (plant != Plant::copy_of_a_neighbour_without_syncwarp) {
    __syncwarp();
  }
  out[threadIdx.x] = s[127 - threadIdx.x];  // [copy read]
}

// Sums 4 tiles of 128 numbers, two warps, two stages.
template <Plant plant>
__global__ void stages_kernel(float* out, const float* in) {
  __shared__ __align__(16) float s[2][256];
  const unsigned i = threadIdx.x;
  float sum = 0;
  auto fetch = [&](unsigned tile) {
    ptx::cp_async16(&s[tile % 2][i * 4], in + tile * 256 + i * 4);  // [stage copy]
    ptx::cp_async_commit();
  };
  fetch(0);
  for (unsigned tile = 0; tile < 4; ++tile) {
    if (tile + 1 < 4) {
      fetch(tile + 1);
      if (plant == Plant::wait_for_one_group_too_few) {
        ptx::cp_async_wait<2>();
      } else {
        ptx::cp_async_wait<1>();
      }
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncthreads();
    sum += s[tile % 2][255 - i];  // [stage read]
    if (plant != Plant::copy_over_what_is_read) {
      __syncthreads();
    }
  }
  out[i] = sum;
}

template <Plant plant>
__global__ void blocks_kernel(int* out, int* flag, const int* in) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  switch (plant) {
    case Plant::blocks_write_their_own:
      out[i] = in[i];
      break;
    case Plant::blocks_write_the_same:
      out[threadIdx.x] = in[i];  // [blocks write]
      break;
    case Plant::block_reads_what_another_writes:
      out[i] = in[i];  // [block writes]
      __syncthreads();
      flag[i] = out[(i + 32) % 128];  // [block reads]
      break;
    case Plant::block_writes_what_another_reads:
      flag[i] = out[(i + 32) % 128];  // [block reads first]
      __syncthreads();
      out[i] = in[i];  // [block writes last]
      break;
    case Plant::blocks_add_atomically:
      atomicAdd(&out[0], 1);
      break;
    case Plant::blocks_add_and_store:
      atomicAdd(&out[0], 1);  // [blocks add]
      __syncthreads();
      if (threadIdx.x == 0) {
        out[0] = 0;  // [blocks store]
      }
      break;
    case Plant::last_block_with_fence:
    case Plant::last_block_without_fence: {
      __shared__ int ticket;
      out[i] = in[i];  // [partial]
      if (plant == Plant::last_block_with_fence) {
        __threadfence();
      }
      __syncthreads();
      if (threadIdx.x == 0) {
        ticket = atomicAdd(&flag[0], 1);
      }
      __syncthreads();
      if (ticket == static_cast<int>(gridDim.x) - 1 && threadIdx.x == 0) {
        int sum = 0;
        for (unsigned j = 0; j < 128; ++j) {
          sum += out[j];  // [partials]
        }
        flag[1] = sum;
      }
      break;
    }
    case Plant::global_with_barrier:
    case Plant::global_without_barrier:
      out[i] = in[i];  // [global store]
      if (plant == Plant::global_with_barrier) {
        __syncthreads();
      }
      flag[i] = out[blockIdx.x * blockDim.x + blockDim.x - 1 - threadIdx.x];  // [global read]
      break;
    default:
      break;
  }
}

// One thread begins the sum, all add to it. The thread that stores adds as well, so that its own atomic lies between its
// store and the other threads' atomics; the one that reads is the last to add.
template <Plant plant>
__global__ void adds_kernel(int* out, const int* in) {
  __shared__ int total;
  __shared__ int words[64];
  const unsigned i = threadIdx.x;
  switch (plant) {
    case Plant::store_and_adds:
    case Plant::store_without_barrier_and_adds:
      if (i == 0) {
        total = 0;  // [begin of a sum]
      }
      if (plant == Plant::store_and_adds) {
        __syncthreads();
      }
      if (i % 32 == 0) {
        atomicAdd(&total, in[i]);  // [add to a sum]
      }
      __syncthreads();
      if (i == 0) {
        out[blockIdx.x] = total;
      }
      break;
    case Plant::global_store_and_adds:
    case Plant::global_store_without_barrier_and_adds:
      if (i == 0) {
        out[blockIdx.x] = 0;  // [begin of a sum in a buffer]
      }
      if (plant == Plant::global_store_and_adds) {
        __syncthreads();
      }
      atomicAdd(&out[blockIdx.x], in[i]);  // [add to a sum in a buffer]
      break;
    case Plant::blocks_store_their_own_and_add:
      out[64 * blockIdx.x + i] = 0;
      atomicAdd(&out[64 * blockIdx.x + i], in[i]);
      break;
    case Plant::one_block_stores_and_all_add:
      if (blockIdx.x == 0) {
        out[i] = 0;  // [begin of sums by a block]
      }
      atomicAdd(&out[i], in[i]);  // [add to sums by all blocks]
      break;
    case Plant::adds_and_read:
    case Plant::adds_and_read_without_barrier:
      if (i == 0) {
        total = 0;
      }
      __syncthreads();
      atomicAdd(&total, in[i]);  // [add before a read]
      if (plant == Plant::adds_and_read) {
        __syncthreads();
      }
      if (i >= 32) {
        out[i] = total;  // [read after adds]
      }
      break;
    case Plant::adds_of_a_warp_and_read:
    case Plant::adds_of_a_warp_and_read_without_syncwarp:
      words[i] = 0;
      __syncwarp();
      atomicAdd(&words[i / 32 * 32], in[i]);  // [add in a warp]
      if (plant == Plant::adds_of_a_warp_and_read) {
        __syncwarp();
      }
      if (i % 32 == 0) {
        out[i] = words[i / 32 * 32];  // [read in a warp]
      }
      break;
    case Plant::adds_to_own_words_and_read:
      words[i] = 0;
      atomicAdd(&words[i], in[i]);
      words[i] += 1;
      atomicAdd(&words[i], in[i]);
      out[64 * blockIdx.x + i] = words[i];
      break;
    default:
      break;
  }
}

__global__ void scale_kernel(int* out, const int* in) {
  out[threadIdx.x] = 2 * in[31 - threadIdx.x];
}

template <Plant plant>
void run_gemm() {
  const device_buffer<float> a(std::vector<float>(32 * 32, 1.0F));
  const device_buffer<float> b(std::vector<float>(32 * 32, 1.0F));
  device_buffer<float> c(32 * 32);
  launch("gemm", gemm_kernel<plant>, Launch{.grid = dim3(2, 2), .block = dim3(16, 16)}, c.data(), a.data(),
         b.data(), 32);
}

template <Plant plant>
void run_warp() {
  const device_buffer<int> in(std::vector<int>(64, 1));
  device_buffer<int> out(64);
  launch("warp", warp_kernel<plant>, Launch{.grid = 1, .block = 64}, out.data(), in.data());
}

template <Plant plant>
void run_wmma() {
  device_buffer<float> out(32);
  launch("wmma", wmma_kernel<plant>, Launch{.grid = 1, .block = 32}, out.data());
}

template <Plant plant>
void run_unwritten() {
  const device_buffer<float> never(64);
  device_buffer<float> out(64);
  launch("unwritten", unwritten_kernel<plant>, Launch{.grid = 1, .block = 64, .shared_bytes = 256},
         out.data(), never.data());
}

template <Plant plant>
void run_bounds() {
  const device_buffer<float> in(std::vector<float>(64, 1.0F));
  device_buffer<float> out(std::vector<float>(64, 1.0F));
  launch("bounds", bounds_kernel<plant>, Launch{.grid = 1, .block = 64, .shared_bytes = 256}, out.data(),
         in.data(), 64);
}

template <Plant plant>
void run_copy() {
  const device_buffer<float> in(std::vector<float>(plant == Plant::copy_behind_a_buffer ? 126 : 128, 1.0F));
  device_buffer<float> out(32);
  launch("copy", copy_kernel<plant>, Launch{.grid = 1, .block = 32}, out.data(), in.data());
}

template <Plant plant>
void run_stages() {
  const device_buffer<float> in(std::vector<float>(1024, 1.0F));
  device_buffer<float> out(64);
  launch("stages", stages_kernel<plant>, Launch{.grid = 1, .block = 64}, out.data(), in.data());
}

template <Plant plant>
void run_blocks() {
  const device_buffer<int> in(std::vector<int>(128, 1));
  device_buffer<int> out(std::vector<int>(128, 0));
  device_buffer<int> flag(std::vector<int>(128, 0));
  launch("blocks", blocks_kernel<plant>, Launch{.grid = 2, .block = 64}, out.data(), flag.data(), in.data());
}

template <Plant plant>
void run_adds() {
  const device_buffer<int> in(std::vector<int>(64, 1));
  device_buffer<int> out(std::vector<int>(128, 0));
  constexpr bool of_one_block =
      plant == Plant::adds_and_read || plant == Plant::adds_and_read_without_barrier ||
      plant == Plant::adds_of_a_warp_and_read || plant == Plant::adds_of_a_warp_and_read_without_syncwarp;
  launch("adds", adds_kernel<plant>, Launch{.grid = of_one_block ? 1 : 2, .block = 64}, out.data(),
         in.data());
}

void run_two_launches() {
  const device_buffer<int> in(std::vector<int>(32, 1));
  device_buffer<int> middle(32);
  device_buffer<int> out(32);
  launch("first", scale_kernel, Launch{.grid = 1, .block = 32}, middle.data(), in.data());
  launch("second", scale_kernel, Launch{.grid = 1, .block = 32}, out.data(), middle.data());
}

}  // namespace

void run_planted(Plant plant) {
#define RUNG_RUN(name, with) \
  case Plant::name:          \
    with<Plant::name>();     \
    break
  switch (plant) {
    RUNG_RUN(nothing_in_gemm, run_gemm);
    RUNG_RUN(no_barrier_before_reading, run_gemm);
    RUNG_RUN(no_barrier_after_reading, run_gemm);
    RUNG_RUN(syncwarp, run_warp);
    RUNG_RUN(no_syncwarp, run_warp);
    RUNG_RUN(shuffle_as_a_fence, run_warp);
    RUNG_RUN(half_masks, run_warp);
    RUNG_RUN(half_mask_across, run_warp);
    RUNG_RUN(chain_of_masks, run_warp);
    RUNG_RUN(broken_chain_of_masks, run_warp);
    RUNG_RUN(one_word_from_all_lanes, run_warp);
    RUNG_RUN(wmma_and_syncwarp, run_wmma);
    RUNG_RUN(wmma_as_a_fence, run_wmma);
    RUNG_RUN(uninitialised_static, run_unwritten);
    RUNG_RUN(uninitialised_dynamic, run_unwritten);
    RUNG_RUN(uninitialised_global, run_unwritten);
    RUNG_RUN(behind_dynamic_read, run_bounds);
    RUNG_RUN(behind_dynamic_write, run_bounds);
    RUNG_RUN(before_dynamic, run_bounds);
    RUNG_RUN(index_of_an_array, run_bounds);
    RUNG_RUN(index_of_a_row, run_bounds);
    RUNG_RUN(pointer_to_an_array, run_bounds);
    RUNG_RUN(pointer_in_a_helper, run_bounds);
    RUNG_RUN(behind_a_buffer, run_bounds);
    RUNG_RUN(between_two_buffers, run_bounds);
    RUNG_RUN(before_a_buffer, run_bounds);
    RUNG_RUN(far_away, run_bounds);
    RUNG_RUN(null, run_bounds);
    RUNG_RUN(misaligned, run_bounds);
    RUNG_RUN(copies_in_two_stages, run_stages);
    RUNG_RUN(copy_not_waited_for, run_copy);
    RUNG_RUN(copy_of_a_neighbour_without_syncwarp, run_copy);
    RUNG_RUN(copy_left_behind, run_copy);
    RUNG_RUN(copy_over_what_is_read, run_stages);
    RUNG_RUN(wait_for_one_group_too_few, run_stages);
    RUNG_RUN(copy_behind_a_buffer, run_copy);
    RUNG_RUN(blocks_write_their_own, run_blocks);
    RUNG_RUN(blocks_write_the_same, run_blocks);
    RUNG_RUN(block_reads_what_another_writes, run_blocks);
    RUNG_RUN(block_writes_what_another_reads, run_blocks);
    RUNG_RUN(blocks_add_atomically, run_blocks);
    RUNG_RUN(blocks_add_and_store, run_blocks);
    RUNG_RUN(last_block_with_fence, run_blocks);
    RUNG_RUN(last_block_without_fence, run_blocks);
    RUNG_RUN(global_with_barrier, run_blocks);
    RUNG_RUN(global_without_barrier, run_blocks);
    RUNG_RUN(store_and_adds, run_adds);
    RUNG_RUN(store_without_barrier_and_adds, run_adds);
    RUNG_RUN(global_store_and_adds, run_adds);
    RUNG_RUN(global_store_without_barrier_and_adds, run_adds);
    RUNG_RUN(blocks_store_their_own_and_add, run_adds);
    RUNG_RUN(one_block_stores_and_all_add, run_adds);
    RUNG_RUN(adds_and_read, run_adds);
    RUNG_RUN(adds_and_read_without_barrier, run_adds);
    RUNG_RUN(adds_of_a_warp_and_read, run_adds);
    RUNG_RUN(adds_of_a_warp_and_read_without_syncwarp, run_adds);
    RUNG_RUN(adds_to_own_words_and_read, run_adds);
    case Plant::two_launches:
      run_two_launches();
      break;
  }
#undef RUNG_RUN
}

}  // namespace rung::test
