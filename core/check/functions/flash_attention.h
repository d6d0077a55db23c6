#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/kernels.h"

// The functions of chapter 15: online softmax, and three kernels of attention.

namespace rung::check {

/// Scores and values of one query, a key each; a score of −∞ is masked.
struct OnlineSoftmaxInput {
  std::vector<double> scores;  ///< a key each
  std::size_t split = 0;       ///< so many of them belong to the first of two parts
  std::size_t size = 3;        ///< numbers of a value

  /// Of one key, made up.
  std::vector<double> value(std::size_t key) const;
  /// What is known of keys first … end − 1: the largest score, Σ exp(score − it), and the same sum with each number of the values as
  /// a factor. Of none, and of masked ones alone: −∞ and zeros.
  std::vector<double> state(std::size_t first, std::size_t end) const;
};
/// What is known after all keys comes back: the largest score, the sum, the weighted values.
FunctionCheck<OnlineSoftmaxInput, std::vector<double>> online_softmax_check();
/// The same of two parts that were merged.
FunctionCheck<OnlineSoftmaxInput, std::vector<double>> merged_softmax_check();

/// Causal attention of one prompt, in fp32.
struct PromptInput {
  std::int64_t rows = 1;       ///< queries
  std::int64_t past = 0;       ///< position of the first
  std::int64_t heads = 1;      ///< of queries
  std::int64_t kv_heads = 1;   ///< of keys and values; divides heads
  std::int64_t head_dim = 32;  ///< numbers of a head
  std::int64_t window = 0;     ///< 0: none
  double lift = 0;             ///< what is added to all scores
  double rise = 0;             ///< how much more is added to a key's score than to that of the key before
  double factor = 1;           ///< of the queries
  bool counted = false;        ///< whether the counters are looked at

  std::int64_t keys() const { return past + rows; }  ///< positions
  double scale() const { return 0.125; }             ///< of the scores
  std::vector<double> q() const;                     ///< [rows, heads, head_dim]
  std::vector<double> k() const;                     ///< [keys, kv_heads, head_dim]
  std::vector<double> v() const;                     ///< [keys, kv_heads, head_dim]
};
/// Queries of a block of the tiled kernel, and keys of a round.
inline constexpr std::int64_t prompt_tile_rows = 32, prompt_tile_keys = 16;
/// Of all blocks of the tiled kernel: how many keys they go over.
std::int64_t prompt_keys_of_blocks(const PromptInput& input);
/// A kernel that is wrong is not told what it asks of memory: its counts are taken out.
KernelOutcome prompt_without_counts(const PromptInput& input, KernelOutcome outcome);
/// A warp walks over a query's keys.
FunctionCheck<PromptInput, KernelOutcome> online_attention_check();
/// Tiles of 32 queries and 16 keys in shared memory.
FunctionCheck<PromptInput, KernelOutcome> tiled_attention_check();

/// Attention of 16 queries over 16 keys with values of 8 numbers, in fp16.
struct MmaAttentionInput {
  double factor = 1;              ///< of the queries
  std::int64_t seed = 0;          ///< of the numbers
  bool lifted = false;            ///< whether `lift` is added to all scores
  double later = 0;               ///< what is added to the scores of keys 8 … 15
  bool far_below = false;         ///< whether all scores are around -50 million
  double scale = 0.25;            ///< of the scores
  bool counted = false;           ///< whether the counters are looked at
  std::vector<double> q() const;  ///< [16, 16]
  std::vector<double> k() const;  ///< [16, 16]
  std::vector<double> v() const;  ///< [16, 8]

  static constexpr double lift = -20000;  ///< fp32 holds what comes of it without a rounding
};
/// out [16, 8] comes back.
FunctionCheck<MmaAttentionInput, KernelOutcome> mma_attention_check();

}  // namespace rung::check
