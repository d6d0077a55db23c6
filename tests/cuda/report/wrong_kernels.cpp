#include "tests/cuda/report/wrong_kernels.h"

#include "cuda/add/call.h"
#include "cuda/embedding/call.h"
#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/call.h"
#include "cuda/rope/call.h"
#include "cuda/softmax/call.h"
#include "cuda/swiglu/call.h"
#include "cuda/vector16.h"

namespace rung::cuda {
namespace {

constexpr int threads = 128;

// ---- rmsnorm

enum class Tree { no_first_barrier, no_barrier_between };

/// 02_shared_tree with a barrier missing.
template <typename T, Tree tree>
__global__ void tree_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  float squares = 0;
  for (int i = threadIdx.x; i < shape.n; i += threads) squares += to_float(x_row[i]) * to_float(x_row[i]);
  __shared__ float of_thread[threads];
  of_thread[threadIdx.x] = squares;
  if (tree != Tree::no_first_barrier) __syncthreads();
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) of_thread[threadIdx.x] += of_thread[threadIdx.x + half];
    if (tree != Tree::no_barrier_between) __syncthreads();
  }
  if (tree == Tree::no_barrier_between) __syncthreads();
  const float inverse = 1 / sqrtf(of_thread[0] / static_cast<float>(shape.n) + shape.eps);
  for (int i = threadIdx.x; i < shape.n; i += threads) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

enum class Sum { half_mask, lane_0_only, one_warp_only, in_half };

/// One warp per row, with a sum that not all lanes take part in, or not all get.
template <typename T, Sum how>
__global__ void warp_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  float squares = 0;
  for (int i = threadIdx.x; i < shape.n; i += blockDim.x) {
    squares += to_float(x_row[i]) * to_float(x_row[i]);
    if (how == Sum::in_half) squares = __half2float(__float2half_rn(squares));
  }
  if (how == Sum::lane_0_only) {
    for (int distance = 16; distance > 0; distance /= 2)
      squares += __shfl_down_sync(all_lanes, squares, distance);
  } else if (how == Sum::half_mask) {
    for (int distance = 16; distance > 0; distance /= 2)
      squares += __shfl_xor_sync(0x0000ffffu, squares, distance);
  } else {
    squares = warp_sum(squares);
  }
  const float inverse = 1 / sqrtf(squares / static_cast<float>(shape.n) + shape.eps);
  for (int i = threadIdx.x; i < shape.n; i += blockDim.x) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

// ---- softmax

enum class Online { not_rescaled, no_guard };

/// One thread per row, in one pass.
template <typename T, Online online>
__global__ void online_kernel(T* y, const T* x, SoftmaxShape shape) {
  const int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= shape.rows) return;
  const T* const x_row = x + 1LL * r * shape.x_stride;
  T* const y_row = y + 1LL * r * shape.y_stride;
  MaxSum all;
  for (int i = 0; i < shape.n; ++i) {
    const float score = to_float(x_row[i]);
    const float max = fmaxf(all.max, score);
    if (online == Online::not_rescaled) {
      if (max > -INFINITY) all.sum += expf(score - max);
    } else {
      all.sum = all.sum * expf(all.max - max) + expf(score - max);
    }
    all.max = max;
  }
  for (int i = 0; i < shape.n; ++i) y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
}

// ---- add

enum class Edge { unguarded, tail_dropped, blocks_overlap };

template <typename T, Edge edge>
__global__ void add_kernel(T* y, const T* a, const T* b, AddShape shape) {
  const T* const a_row = a + 1LL * blockIdx.x * shape.a_stride;
  const T* const b_row = b + 1LL * blockIdx.x * shape.b_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const int per_block = edge == Edge::blocks_overlap ? threads / 2 : threads;
  const int i = blockIdx.y * per_block + threadIdx.x;
  const int end = edge == Edge::tail_dropped ? shape.n / 4 * 4 : shape.n;
  if (edge == Edge::unguarded || i < end) y_row[i] = from_float<T>(to_float(a_row[i]) + to_float(b_row[i]));
}

template <typename T, Edge edge>
void add(T* y, const T* a, const T* b, AddShape shape) {
  const int per_block = edge == Edge::blocks_overlap ? threads / 2 : threads;
  simt::launch("wrong add", add_kernel<T, edge>,
               {.grid = dim3(shape.rows, (shape.n + per_block - 1) / per_block), .block = dim3(threads)}, y,
               a, b, shape);
}

// ---- swiglu

/// The product is taken of what the first kernel has not written yet.
template <typename T>
__global__ void product_kernel(T* y, const T* silu_of_gate, const T* up, SwigluShape shape) {
  for (int i = threadIdx.x; i < shape.n; i += threads) {
    const float s = to_float(silu_of_gate[1LL * blockIdx.x * shape.n + i]);
    y[1LL * blockIdx.x * shape.y_stride + i] =
        from_float<T>(s * to_float(up[1LL * blockIdx.x * shape.up_stride + i]));
  }
}

// ---- rope and embedding

enum class Turned { other_layout, heads_first };

template <typename T, Turned turned>
__global__ void rope_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  const int pairs = shape.D / 2;
  for (int p = threadIdx.x; p < shape.H * pairs; p += threads) {
    const int h = p / pairs;
    const int i = p % pairs;
    const int head = turned == Turned::heads_first ? h * shape.T + blockIdx.x : blockIdx.x * shape.H + h;
    const bool half = (shape.layout == RopeLayout::half_split) != (turned == Turned::other_layout);
    const RopePair at =
        half ? rope_pair<RopeLayout::half_split>(i, shape.D) : rope_pair<RopeLayout::interleaved>(i, shape.D);
    const Turn turn = turn_of(positions[blockIdx.x], i, shape);
    const float a = to_float(x[1LL * head * shape.x_stride + at.first]);
    const float b = to_float(x[1LL * head * shape.x_stride + at.second]);
    y[1LL * head * shape.y_stride + at.first] = from_float<T>(a * turn.cos - b * turn.sin);
    y[1LL * head * shape.y_stride + at.second] = from_float<T>(b * turn.cos + a * turn.sin);
  }
}

/// The row of the token, not that of its id.
template <typename T>
__global__ void embedding_kernel(T* y, const T* table, const int* /*ids*/, EmbeddingShape shape) {
  for (int i = threadIdx.x; i < shape.n; i += threads) {
    y[1LL * blockIdx.x * shape.y_stride + i] = table[1LL * blockIdx.x * shape.table_stride + i];
  }
}

KernelRung named(const char* name) {
  return {.name = name, .source = name};
}

WrongKernel rmsnorm(const char* name, RejectedBy by, const char* words, auto kernel) {
  return {"rmsnorm", rmsnorm_rung(named(name), kernel), by, words};
}

}  // namespace

std::vector<WrongKernel> wrong_kernels() {
  using enum RejectedBy;
  std::vector<WrongKernel> all;
  all.push_back(rmsnorm("no barrier before the tree", checker, "race",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", tree_kernel<T, Tree::no_first_barrier>,
                                       {.grid = dim3(shape.rows), .block = dim3(threads)}, y, x, w, shape);
                        }));
  all.push_back(rmsnorm("no barrier in the tree", checker, "race",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", tree_kernel<T, Tree::no_barrier_between>,
                                       {.grid = dim3(shape.rows), .block = dim3(threads)}, y, x, w, shape);
                        }));
  all.push_back(rmsnorm("half the lanes in the mask", executor, "does not take part",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", warp_kernel<T, Sum::half_mask>,
                                       {.grid = dim3(shape.rows), .block = dim3(32)}, y, x, w, shape);
                        }));
  all.push_back(rmsnorm("the sum in lane 0 alone", harness, "",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", warp_kernel<T, Sum::lane_0_only>,
                                       {.grid = dim3(shape.rows), .block = dim3(32)}, y, x, w, shape);
                        }));
  all.push_back(rmsnorm("the sum of one warp of four", harness, "",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", warp_kernel<T, Sum::one_warp_only>,
                                       {.grid = dim3(shape.rows), .block = dim3(threads)}, y, x, w, shape);
                        }));
  all.push_back(rmsnorm("squares added up in fp16", harness, "",
                        []<typename T>(T* y, const T* x, const T* w, RmsNormShape shape) {
                          simt::launch("wrong rmsnorm", warp_kernel<T, Sum::in_half>,
                                       {.grid = dim3(shape.rows), .block = dim3(32)}, y, x, w, shape);
                        }));
  all.push_back({"softmax",
                 softmax_rung(named("the sum not rescaled"),
                              []<typename T>(T* y, const T* x, SoftmaxShape shape) {
                                simt::launch("wrong softmax", online_kernel<T, Online::not_rescaled>,
                                             {.grid = dim3(shape.rows), .block = dim3(1)}, y, x, shape);
                              }),
                 harness, ""});
  all.push_back({"softmax",
                 softmax_rung(named("masked scores first"),
                              []<typename T>(T* y, const T* x, SoftmaxShape shape) {
                                simt::launch("wrong softmax", online_kernel<T, Online::no_guard>,
                                             {.grid = dim3(shape.rows), .block = dim3(1)}, y, x, shape);
                              }),
                 harness, ""});
  all.push_back({"add",
                 add_rung(named("the edge not guarded"),
                          []<typename T>(T* y, const T* a, const T* b, AddShape shape) {
                            add<T, Edge::unguarded>(y, a, b, shape);
                          }),
                 checker, "bounds"});
  all.push_back({"add",
                 add_rung(named("the tail dropped"),
                          []<typename T>(T* y, const T* a, const T* b, AddShape shape) {
                            add<T, Edge::tail_dropped>(y, a, b, shape);
                          }),
                 harness, "never written"});
  all.push_back({"add",
                 add_rung(named("blocks overlap"),
                          []<typename T>(T* y, const T* a, const T* b, AddShape shape) {
                            add<T, Edge::blocks_overlap>(y, a, b, shape);
                          }),
                 checker, "race"});
  all.push_back({"swiglu",
                 swiglu_rung(named("a buffer read before it is written"),
                             []<typename T>(T* y, const T*, const T* up, SwigluShape shape) {
                               simt::device_buffer<T> silu_of_gate(1ULL * shape.rows * shape.n);
                               simt::launch("wrong swiglu", product_kernel<T>,
                                            {.grid = dim3(shape.rows), .block = dim3(threads)}, y,
                                            silu_of_gate.data(), up, shape);
                             }),
                 checker, "written"});
  all.push_back({"rope",
                 rope_rung(named("pairs of the other layout"),
                           []<typename T>(T* y, const T* x, const int* positions, RopeShape shape) {
                             simt::launch("wrong rope", rope_kernel<T, Turned::other_layout>,
                                          {.grid = dim3(shape.T), .block = dim3(threads)}, y, x, positions,
                                          shape);
                           }),
                 harness, "other_layout"});
  all.push_back({"rope",
                 rope_rung(named("heads before tokens"),
                           []<typename T>(T* y, const T* x, const int* positions, RopeShape shape) {
                             simt::launch("wrong rope", rope_kernel<T, Turned::heads_first>,
                                          {.grid = dim3(shape.T), .block = dim3(threads)}, y, x, positions,
                                          shape);
                           }),
                 harness, ""});
  all.push_back({"embedding",
                 embedding_rung(named("the token's row"),
                                []<typename T>(T* y, const T* table, const int* ids, EmbeddingShape shape) {
                                  simt::launch("wrong embedding", embedding_kernel<T>,
                                               {.grid = dim3(shape.tokens), .block = dim3(threads)}, y, table,
                                               ids, shape);
                                }),
                 harness, ""});
  return all;
}

}  // namespace rung::cuda
