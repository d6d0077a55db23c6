#include "chapters/ladder.h"

#include "chapters/04_transformer/recompute.h"
#include "chapters/06_kv_cache/kv_cache_stage.h"
#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/08_quantization/integer_stages.h"
#include "chapters/08_quantization/quantized_activations.h"
#include "chapters/09_mixture_of_experts/moe_stages.h"
#include "core/error.h"

namespace rung {

namespace {

/// Stages of one dense feed-forward layer say which stage to take instead.
std::vector<StageInfo> refusing_mixtures(std::vector<StageInfo> stages) {
  for (StageInfo& stage : stages) {
    if (stage.mixtures) continue;
    stage.make = [name = stage.name, make = stage.make](const Checkpoint& checkpoint,
                                                        const StageOptions& options) {
      if (checkpoint.config().mixture) {
        throw Error(ErrorKind::usage, "stage {} runs no mixture of experts; take --stage moe", name);
      }
      return make(checkpoint, options);
    };
  }
  return stages;
}

}  // namespace

const std::vector<StageInfo>& ladder() {
  static const std::vector<StageInfo> stages = refusing_mixtures({
      {.name = "recompute",
       .chapter = 4,
       .what_is_new = "the whole transformer, every token again at every step",
       .checked_against = "",
       .make = make_recompute},
      {.name = "kv_cache",
       .chapter = 6,
       .what_is_new = "keys and values are kept, a step runs only its new tokens",
       .checked_against = "recompute",
       .make = make_kv_cache},
      {.name = "grouped",
       .chapter = 7,
       .what_is_new = "query heads share key/value heads, and a window is a ring",
       .checked_against = "kv_cache",
       .make = make_grouped,
       .kv_types = {all_kv_types.begin(), all_kv_types.end()}},
      {.name = "int8",
       .chapter = 8,
       .what_is_new = "weights stay blocks of 8 bits, and are multiplied as whole numbers",
       .checked_against = "grouped",
       .make = make_int8,
       .kv_types = {all_kv_types.begin(), all_kv_types.end()},
       .weights = int8_weights,
       .activation_group = activation_group},
      {.name = "int4",
       .chapter = 8,
       .what_is_new = "weights stay blocks of 4 bits",
       .checked_against = "grouped",
       .make = make_int4,
       .kv_types = {all_kv_types.begin(), all_kv_types.end()},
       .weights = int4_weights,
       .activation_group = activation_group},
      {.name = "moe",
       .chapter = 9,
       .what_is_new = "a router sends each token through a few of many experts",
       .checked_against = "grouped",
       .make = make_moe,
       .kv_types = {all_kv_types.begin(), all_kv_types.end()},
       .mixtures = true},
      {.name = "moe_int4",
       .chapter = 9,
       .what_is_new = "experts stay blocks of 4 bits",
       .checked_against = "moe",
       .make = make_moe_int4,
       .kv_types = {all_kv_types.begin(), all_kv_types.end()},
       .weights = moe_int4_weights,
       .activation_group = activation_group,
       .mixtures = true},
  });
  return stages;
}

}  // namespace rung
