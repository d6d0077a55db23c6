#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include "core/check/functions/flash_attention.h"

// Attention of a prompt as a kernel computes it, right or with the habits of a learner, for the mistakes that are known.

namespace rung::check {

/// What may be done wrongly.
struct PromptHabits {
  bool kv_head_modulo = false, kv_head_over_groups = false;
  bool past_dropped = false, scale_left_out = false, scale_twice = false, not_divided = false;
  std::int64_t causal_shift = 0, window_shift = 0;
  bool causal_ignored = false, window_ignored = false;
  bool filling_seen = false;   ///< a shifted mask also shows what a tile holds behind the last key
  bool in_mask_alone = false;  ///< where a block's keys begin and end is right
  bool end_unmasked = false;   ///< zeros behind a block's last key have weights
  bool masked_after_max = false;
  double masked_score = -std::numeric_limits<double>::infinity();
  bool sum_not_rescaled = false, result_not_rescaled = false, max_starts_at_zero = false;
  bool first_rescaled_alone = false;  ///< of a lane's numbers of the result
  bool first_max_kept = false;        ///< of the first tile, for ever
  bool last_tile_dropped = false, own_lane_sum = false, own_lane_max = false;
  bool lane_alone = false;              ///< each lane of a warp has a score of its own numbers
  std::int64_t scored = 1, stored = 1;  ///< a head's numbers behind the last multiple are left out
  bool tail_untouched = false;          ///< and nothing is stored there
  bool infinity_unguarded = false, sum_unguarded = false;
};

/// The keys that a row sees, first … end − 1.
std::pair<std::int64_t, std::int64_t> keys_seen(const PromptInput& input, const PromptHabits& habits,
                                                std::int64_t row);

/// What a kernel with these habits gives whose blocks take `block` queries and whose rounds take `tile` keys.
KernelOutcome attended(const PromptInput& input, const PromptHabits& habits, std::int64_t block,
                       std::int64_t tile);

}  // namespace rung::check
