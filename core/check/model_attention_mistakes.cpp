// The known mistakes of a transformer's attention: rotation, mask, scale, heads, and what is remembered.

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "core/check/model_mistake_lists.h"
#include "core/oracle/rope.h"

namespace rung::check {
namespace {

using oracle::Grid;

// Parts that the mistakes below are made of.

/// x rotated once more, with the position and layout of a wrong model.
Grid rotated(const Grid& x, const ModelConfig& config, RopeLayout layout,
             const std::function<std::int64_t(std::int64_t)>& position) {
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(x.rows));
  for (std::int64_t t = 0; t < x.rows; ++t) positions.push_back(position(t));
  Grid y(x.rows, x.columns);
  oracle::rope(layout, oracle::rope_frequencies(config.rope, config.head_dim), positions, x.values,
               x.columns / config.head_dim, y.values);
  return y;
}

/// Rotates q and k anew where they are about to be seen rotated.
void rotate_both(std::string_view point, Grid& values, const Scene& scene, RopeLayout layout,
                 const std::function<std::int64_t(std::int64_t)>& position) {
  if (point == "attention.q_rotated")
    values = rotated(scene.at("attention.q"), scene.config, layout, position);
  if (point == "attention.k_rotated")
    values = rotated(scene.at("attention.k"), scene.config, layout, position);
}

/// What a wrong attention does differently.
struct WrongAttention {
  std::function<bool(std::int64_t t, std::int64_t j)> sees;  ///< empty: as it should be
  std::function<std::int64_t(std::int64_t h)> kv_head;       ///< empty: h / (H / G)
  double scale = 0;                                          ///< 0: 1 / √D
  /// Which position's key and value query t finds in slot j; -1: zeros, nobody's. Empty: j's.
  std::function<std::int64_t(std::int64_t t, std::int64_t j)> slot = {};
  /// Keys (values) that take the place of the model's own; null: those.
  const Grid* keys = nullptr;
  const Grid* values = nullptr;
};

bool right_mask(const ModelConfig& config, std::int64_t t, std::int64_t j) {
  return j <= t && (!config.sliding_window || j > t - *config.sliding_window);
}

/// Attention once more, from q, k and v as the model has them. Sees nothing: 0.
Grid attend(const Scene& scene, const WrongAttention& wrong) {
  const Grid& q = scene.at("attention.q_rotated");
  const Grid& k = wrong.keys ? *wrong.keys : scene.at("attention.k_rotated");
  const Grid& v = wrong.values ? *wrong.values : scene.at("attention.v");
  const std::int64_t D = scene.config.head_dim;
  const std::int64_t H = q.columns / D;
  const std::int64_t G = k.columns / D;
  const double scale = wrong.scale != 0 ? wrong.scale : 1 / std::sqrt(static_cast<double>(D));
  Grid out(q.rows, q.columns);
  for (std::int64_t t = 0; t < q.rows; ++t) {
    std::vector<double> scores(static_cast<std::size_t>(k.rows));
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t g = wrong.kv_head ? wrong.kv_head(h) : h / (H / G);
      const double* query = &q.values[t * q.columns + h * D];
      double largest = -std::numeric_limits<double>::infinity();
      for (std::int64_t j = 0; j < k.rows; ++j) {
        const bool seen = wrong.sees ? wrong.sees(t, j) : right_mask(scene.config, t, j);
        scores[j] = -std::numeric_limits<double>::infinity();
        if (!seen) continue;
        const std::int64_t found = wrong.slot ? wrong.slot(t, j) : j;
        double dot = 0;
        for (std::int64_t d = 0; d < D && found >= 0; ++d) {
          dot += query[d] * k.values[found * k.columns + g * D + d];
        }
        scores[j] = scale * dot;
        largest = std::max(largest, scores[j]);
      }
      double sum = 0;
      double* result = &out.values[t * out.columns + h * D];
      for (std::int64_t j = 0; j < k.rows; ++j) {
        if (std::isinf(scores[j])) continue;
        const double p = std::exp(scores[j] - largest);
        sum += p;
        const std::int64_t found = wrong.slot ? wrong.slot(t, j) : j;
        for (std::int64_t d = 0; d < D && found >= 0; ++d) {
          result[d] += p * v.values[found * v.columns + g * D + d];
        }
      }
      for (std::int64_t d = 0; d < D && sum > 0; ++d) result[d] /= sum;
    }
  }
  return out;
}

/// A mistake of the mask alone.
auto wrong_mask(std::function<bool(const Scene&, std::int64_t t, std::int64_t j)> sees) {
  return [sees](std::string_view point, Grid& values, const Scene& scene) {
    if (point != "attention.output") return;
    values = attend(scene, {.sees = [&](std::int64_t t, std::int64_t j) { return sees(scene, t, j); },
                            .kv_head = {},
                            .scale = 0});
  };
}

bool has_window(const ModelConfig& config) {
  return config.sliding_window.has_value();
}
bool has_rope_scaling(const ModelConfig& config) {
  return !std::holds_alternative<std::monostate>(config.rope.scaling);
}
bool shares_heads(const ModelConfig& config) {
  return config.kv_heads > 1 && config.kv_heads < config.heads;
}

std::vector<ModelMistake> mistakes_of_rope() {
  return {
      {.name = "rope_interleaved",
       .sentence = "RoPE rotates the pairs (2i, 2i + 1); these weights are made for (i, i + D/2)",
       .chapter = 3,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::interleaved, [](std::int64_t t) { return t; });
           }},
      {.name = "keys_not_rotated",
       .sentence = "RoPE rotates q alone; k is rotated too, before it is remembered",
       .chapter = 3,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.k_rotated") values = scene.at("attention.k");
           }},
      {.name = "queries_not_rotated",
       .sentence = "RoPE rotates k alone; q is rotated too",
       .chapter = 3,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.q_rotated") values = scene.at("attention.q");
           }},
      {.name = "values_rotated",
       .sentence = "RoPE rotates v as well; it is for q and k alone",
       .chapter = 3,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.v") return;
             values = rotated(values, scene.config, RopeLayout::half_split, [](std::int64_t t) { return t; });
           }},
      {.name = "rope_scaling_ignored",
       .sentence = "the model's RoPE scaling is ignored",
       .chapter = 3,
       .applies = has_rope_scaling,
       .misread = [](ModelConfig& config) { config.rope.scaling = std::monostate{}; }},
      {.name = "rope_theta_default",
       .sentence = "RoPE's theta is taken as 10000; the model says another",
       .chapter = 3,
       .applies = [](const ModelConfig& config) { return config.rope.theta != 10000; },
       .misread = [](ModelConfig& config) { config.rope.theta = 10000; }},
      {.name = "positions_restart",
       .sentence = "positions start from 0 in every batch; they go on where the sequence ended",
       .chapter = 6,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::half_split,
                         [&](std::int64_t t) { return t - scene.feeding.batch_start(t); });
           }},
      {.name = "position_off_after_chunk",
       .sentence = "positions after the first batch are one too high",
       .chapter = 6,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::half_split,
                         [&](std::int64_t t) { return scene.feeding.batch_start(t) > 0 ? t + 1 : t; });
           }},
  };
}

std::vector<ModelMistake> mistakes_of_attention() {
  return {
      {.name = "sees_next_token",
       .sentence = "the causal mask is off by one: a token sees the one after it",
       .chapter = 3,
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return right_mask(scene.config, t, j) || (j == t + 1 && j < scene.feeding.batch_end(t));
       })},
      {.name = "sees_not_itself",
       .sentence = "the causal mask is off by one: a token does not see itself",
       .chapter = 3,
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return j != t && right_mask(scene.config, t, j);
       })},
      {.name = "window_ignored",
       .sentence = "the sliding window is ignored: a token sees all positions before it",
       .chapter = 3,
       .applies = has_window,
       .misread = [](ModelConfig& config) { config.sliding_window.reset(); }},
      {.name = "window_one_longer",
       .sentence = "the sliding window is W + 1 positions; it is W, the token's own among them",
       .chapter = 3,
       .applies = has_window,
       .misread = [](ModelConfig& config) { ++*config.sliding_window; }},
      {.name = "window_one_shorter",
       .sentence = "the sliding window is W - 1 positions; it is W, the token's own among them",
       .chapter = 3,
       .applies = [](const ModelConfig& config) { return has_window(config) && *config.sliding_window > 1; },
       .misread = [](ModelConfig& config) { --*config.sliding_window; }},
      {.name = "scale_missing",
       .sentence = "the scores are not divided by √D",
       .chapter = 3,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.output") values = attend(scene, {.sees = {}, .kv_head = {}, .scale = 1});
           }},
      {.name = "scale_of_hidden",
       .sentence = "the scores are divided by √(hidden / H); D is not that here",
       .chapter = 3,
       .applies = [](const ModelConfig& c) { return c.head_dim * c.heads != c.hidden; },
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             const double width =
                 static_cast<double>(scene.config.hidden) / static_cast<double>(scene.config.heads);
             values = attend(scene, {.sees = {}, .kv_head = {}, .scale = 1 / std::sqrt(width)});
           }},
      {.name = "kv_head_modulo",
       .sentence = "KV head of query head h taken as h % G; it is h / (H / G)",
       .chapter = 3,
       .applies = shares_heads,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             const std::int64_t G = scene.config.kv_heads;
             values =
                 attend(scene, {.sees = {}, .kv_head = [G](std::int64_t h) { return h % G; }, .scale = 0});
           }},
      {.name = "keys_and_values_swapped",
       .sentence =
           "the (rotated) keys handed over as values and the values as keys; attention compares q with k",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             WrongAttention wrong;
             wrong.keys = &scene.at("attention.v");
             wrong.values = &scene.at("attention.k_rotated");
             values = attend(scene, wrong);
           }},
      {.name = "key_and_value_matrices_swapped",
       .sentence =
           "keys made with the matrix of the values and values with that of the keys; each has its own",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             const Grid keys = rotated(scene.at("attention.v"), scene.config, RopeLayout::half_split,
                                       [](std::int64_t t) { return t; });
             WrongAttention wrong;
             wrong.keys = &keys;
             wrong.values = &scene.at("attention.k");
             values = attend(scene, wrong);
           }},
      {.name = "cache_not_read",
       .sentence = "a batch sees its own tokens alone, not what is remembered",
       .chapter = 6,
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return j >= scene.feeding.batch_start(t) && right_mask(scene.config, t, j);
       })},
      {.name = "own_batch_not_seen",
       .sentence =
           "a batch sees what was remembered before it and itself, not the other tokens it came with: the "
           "length was read before the new keys were added",
       .chapter = 6,
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return (j == t || j < scene.feeding.batch_start(t)) && right_mask(scene.config, t, j);
       })},
  };
}

/// Keys and values of other positions than the slots are read for.
auto wrong_slots(std::function<std::int64_t(const Scene&, std::int64_t t, std::int64_t j)> slot) {
  return [slot](std::string_view point, Grid& values, const Scene& scene) {
    if (point != "attention.output") return;
    WrongAttention wrong;
    wrong.slot = [&](std::int64_t t, std::int64_t j) { return slot(scene, t, j); };
    values = attend(scene, wrong);
  };
}

/// What is in slot j of a sequence whose batches have all been written from its first slot on: a row of the last
/// batch, up to the one with position t, that was so long.
std::int64_t overwritten_slot(const Scene& scene, std::int64_t t, std::int64_t j) {
  for (std::int64_t position = t; position >= 0; position = scene.feeding.batch_start(position) - 1) {
    const std::int64_t start = scene.feeding.batch_start(position);
    if (start + j < scene.feeding.batch_end(position)) return start + j;
  }
  return -1;
}

/// What goes wrong between writing keys and values and reading them again.
std::vector<ModelMistake> mistakes_of_cache() {
  return {
      {.name = "cached_keys_not_rotated",
       .sentence =
           "keys are remembered as they are before RoPE; they are rotated first, by their own position",
       .chapter = 6,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             // The rows of one batch at a time: its own keys are rotated, those from before it are not.
             const Grid& plain = scene.at("attention.k");
             const Grid& rotated_keys = scene.at("attention.k_rotated");
             for (const std::int64_t start : scene.feeding.starts) {
               Grid keys = rotated_keys;
               std::copy_n(plain.values.begin(), start * plain.columns, keys.values.begin());
               WrongAttention wrong;
               wrong.keys = &keys;
               const Grid all = attend(scene, wrong);
               for (std::int64_t t = start; t < scene.feeding.batch_end(start); ++t) {
                 std::ranges::copy(all.row(t), values.row(t).begin());
               }
             }
           }},
      {.name = "keys_stored_as_values",
       .sentence = "the keys are stored as values too; attention weighs the values",
       .chapter = 6,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             WrongAttention wrong;
             wrong.values = &scene.at("attention.k_rotated");
             values = attend(scene, wrong);
           }},
      {.name = "written_one_slot_late",
       .sentence = "keys and values are written one slot too late: a token finds an empty slot, and itself "
                   "not; position "
                   "p is in slot p",
       .chapter = 6,
       .replace = wrong_slots([](const Scene&, std::int64_t, std::int64_t j) { return j - 1; })},
      {.name = "cache_overwritten",
       .sentence =
           "every batch is written from the first slot on, over what is remembered; it goes behind it",
       .chapter = 6,
       .replace = wrong_slots(overwritten_slot)},
  };
}

/// Slots of the smallest ring that is right; 0 where there is none.
std::int64_t ring_of(const Scene& scene) {
  return scene.feeding.max_batch > 0 ? *scene.config.sliding_window + scene.feeding.max_batch - 1 : 0;
}

/// What stands where position j was, once the batch of t is written into a ring of so many slots.
std::int64_t newest_in_slot(const Scene& scene, std::int64_t t, std::int64_t j, std::int64_t slots) {
  const std::int64_t last = scene.feeding.batch_end(t) - 1;
  return j > last ? j : j + (last - j) / slots * slots;
}

/// What goes wrong where positions share slots.
std::vector<ModelMistake> mistakes_of_ring() {
  return {
      {.name = "ring_of_window",
       .sentence =
           "the ring has W slots: the last rows of a batch overwrite keys that its first rows still see; it "
           "takes W + T_max - 1",
       .chapter = 7,
       .applies = has_window,
       .replace = wrong_slots([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return newest_in_slot(scene, t, j, *scene.config.sliding_window);
       })},
      {.name = "ring_one_too_small",
       .sentence = "the ring has W + T_max - 2 slots: the last row of the longest batch overwrites the "
                   "oldest key that "
                   "its first row sees; it takes W + T_max - 1",
       .chapter = 7,
       .applies = has_window,
       .replace = wrong_slots([](const Scene& scene, std::int64_t t, std::int64_t j) {
         const std::int64_t ring = ring_of(scene);
         return ring > 1 ? newest_in_slot(scene, t, j, ring - 1) : j;
       })},
      {.name = "ring_read_without_wrap",
       .sentence =
           "what the window sees is read on past the ring's end, where no key of the sequence is; after the "
           "last slot comes the first",
       .chapter = 7,
       .applies = has_window,
       .replace = wrong_slots([](const Scene& scene, std::int64_t t, std::int64_t j) {
         const std::int64_t ring = ring_of(scene);
         const std::int64_t first =
             std::max<std::int64_t>(0, scene.feeding.batch_start(t) - *scene.config.sliding_window + 1);
         return ring > 0 && first % ring + j - first >= ring ? -1 : j;
       })},
      {.name = "ring_mask_of_slots",
       .sentence = "the causal mask compares slots of the ring, so that keys behind the query's own slot are "
                   "not seen "
                   "once the ring has gone round; it compares positions",
       .chapter = 7,
       .applies = has_window,
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         const std::int64_t ring = ring_of(scene);
         return right_mask(scene.config, t, j) && (ring == 0 || j % ring <= t % ring);
       })},
      {.name = "ring_slot_as_position",
       .sentence =
           "RoPE rotates by the slot in the ring, which starts again from 0; it rotates by the position",
       .chapter = 7,
       .applies = has_window,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             const std::int64_t ring = ring_of(scene);
             if (ring == 0) return;
             rotate_both(point, values, scene, RopeLayout::half_split,
                         [ring](std::int64_t t) { return t % ring; });
           }},
  };
}

}  // namespace

std::vector<ModelMistake> model_attention_mistakes() {
  std::vector<ModelMistake> all = mistakes_of_rope();
  for (const auto& part : {mistakes_of_attention(), mistakes_of_cache(), mistakes_of_ring()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace rung::check
