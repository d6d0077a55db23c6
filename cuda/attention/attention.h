#pragma once

#include <cmath>
#include <cstddef>

#include "cuda/numbers.h"
#include "cuda/simt/simt.h"

/// \file
/// What the rungs of attention have in common: the problem, and which keys a query sees.

namespace rung::cuda {

/// One sequence of a batch: what a SequencePlan says of it, and how many keys there are. Its queries are `rows`
/// neighbouring rows of the batch; its keys and values are remembered in slots.
struct AttentionSequence {
  int first_row = 0;   ///< of the batch
  int rows = 0;        ///< queries
  int past = 0;        ///< position of its first query; negative: the first queries see nothing
  int keys = 0;        ///< positions 0 … keys − 1 are remembered; past + rows of them in a model
  int first_slot = 0;  ///< where position 0 is
  /// Slots that are used round and round: position p is in first_slot + p % ring. The window must not reach back
  /// further than the ring does. 0: flat, position p is in first_slot + p.
  int ring = 0;
};

/// out = softmax(scale · q·kᵀ over the keys a query sees) · v for every query of a batch and each of its heads. Head h
/// uses key/value head h / (heads / kv_heads). Strides are in numbers, from one head's vector to the next:
/// q and out are [rows of the batch, heads, head_dim], k and v [slots, kv_heads, head_dim].
struct AttentionShape {
  const AttentionSequence* of_sequence = nullptr;  ///< [sequences], in the device's memory
  int sequences = 0;
  int most_rows = 0;  ///< of one sequence; the grid is made for it
  int most_keys = 0;  ///< of one sequence
  int rows = 0;       ///< of the batch
  int heads = 0, kv_heads = 0;
  int head_dim = 0;
  bool causal = true;  ///< a query sees keys up to its own position
  int window = 0;   ///< W: of the keys up to its own position, only the W newest, its own among them; 0: all
  float scale = 0;  ///< of the scores
  int q_stride = 0, k_stride = 0, v_stride = 0, out_stride = 0;
};

/// The largest head_dim that the fused rungs are made for.
inline constexpr int most_head_dim = 256;

/// Positions first … end − 1.
struct KeyRange {
  int first, end;

  /// Whether it is one of them.
  __device__ bool has(int key) const { return key >= first && key < end; }
};

// [seen]
/// The keys that row `row` of a sequence sees, or none where there is no such row.
__device__ __forceinline__ KeyRange keys_seen(const AttentionShape& shape, const AttentionSequence& sequence,
                                              int row) {
  if (row >= sequence.rows) return {0, 0};
  const int position = sequence.past + row;
  const int end = shape.causal ? max(min(position + 1, sequence.keys), 0) : sequence.keys;
  const int first = shape.window > 0 ? max(position - shape.window + 1, 0) : 0;
  return {min(first, end), end};
}
// [seen]

/// The keys that one of `count` rows from `row` on sees. Both ends of keys_seen() only grow with the row, so that
/// each of these keys is seen by one of the rows.
__device__ __forceinline__ KeyRange keys_seen(const AttentionShape& shape, const AttentionSequence& sequence,
                                              int row, int count) {
  if (row >= sequence.rows) return {0, 0};
  const int last = min(row + count, sequence.rows) - 1;
  return {keys_seen(shape, sequence, row).first, keys_seen(shape, sequence, last).end};
}

/// The vector of a head: `index` is a row of the batch or a slot.
template <typename T>
__device__ __forceinline__ T* vector_of(T* numbers, int index, int heads, int head, int stride) {
  return numbers + (static_cast<std::size_t>(index) * heads + head) * stride;
}

// [slot]
/// The slot of a position.
__device__ __forceinline__ int slot_of(const AttentionSequence& sequence, int position) {
  return sequence.first_slot + (sequence.ring > 0 ? position % sequence.ring : position);
}
// [slot]

/// log Σ exp(score) of a row whose largest score is `max` and whose sum of exp(score − max) is `sum`; −∞ of no score.
__device__ __forceinline__ float log_sum_exp(float max, float sum) {
  return sum > 0 ? max + logf(sum) : -INFINITY;
}

/// What scores are subtracted from: their maximum, and 0 where nothing but −∞ was seen, since −∞ − −∞ is NaN.
__device__ __forceinline__ float base_of(float max) {
  return max == -INFINITY ? 0 : max;
}

}  // namespace rung::cuda
