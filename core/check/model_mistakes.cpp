#include "core/check/model_mistakes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <variant>

#include "core/error.h"
#include "core/oracle/rope.h"

namespace rung::check {
namespace {

using oracle::Grid;

// Parts that the mistakes below are made of.

/// x rotated once more, with the position and layout of a wrong model.
Grid rotated(const Grid& x, const ModelConfig& config, RopeLayout layout,
             const std::function<std::int64_t(std::int64_t)>& position) {
  std::vector<std::int64_t> positions;
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

void add(Grid& x, const Grid& more) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += more.values[i];
}

double root_mean_square(std::span<const double> x, double eps) {
  double squares = 0;
  for (const double number : x) squares += number * number;
  return std::sqrt(squares / static_cast<double>(x.size()) + eps);
}

/// The residual stream that the layer got: [T, hidden].
const Grid& before_layer(const Scene& scene) {
  const auto layer_below = scene.seen.find("feed_forward.residual");
  return layer_below != scene.seen.end() ? layer_below->second : scene.at("embedding");
}

/// The weight of attention's norm, from what it made of the stream: [hidden]. A column's weight is taken from
/// the row where the column is largest.
std::vector<double> attention_norm_weight(const Scene& scene) {
  const Grid& x = before_layer(scene);
  const Grid& normed = scene.at("attention.norm");
  std::vector<double> weight;
  for (std::int64_t i = 0; i < x.columns; ++i) {
    std::int64_t best = 0;
    for (std::int64_t t = 1; t < x.rows; ++t) {
      if (std::abs(x.row(t)[i]) > std::abs(x.row(best)[i])) best = t;
    }
    const double number = x.row(best)[i];
    const double root = root_mean_square(x.row(best), scene.config.norm_eps);
    weight.push_back(number == 0 ? 0 : normed.row(best)[i] * root / number);
  }
  return weight;
}

/// gate and up through another activation.
auto wrong_activation(double (*activation)(double)) {
  return [activation](std::string_view point, Grid& values, const Scene& scene) {
    if (point != "feed_forward.activation") return;
    const Grid& gate = scene.at("feed_forward.gate");
    const Grid& up = scene.at("feed_forward.up");
    for (std::size_t i = 0; i < values.values.size(); ++i) {
      values.values[i] = activation(gate.values[i]) * up.values[i];
    }
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

std::vector<ModelMistake> rope_mistakes() {
  return {
      {.name = "rope_interleaved",
       .sentence = "RoPE rotates the pairs (2i, 2i + 1); these weights are made for (i, i + D/2)",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::interleaved, [](std::int64_t t) { return t; });
           }},
      {.name = "keys_not_rotated",
       .sentence = "RoPE rotates q alone; k is rotated too, before it is remembered",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.k_rotated") values = scene.at("attention.k");
           }},
      {.name = "queries_not_rotated",
       .sentence = "RoPE rotates k alone; q is rotated too",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.q_rotated") values = scene.at("attention.q");
           }},
      {.name = "values_rotated",
       .sentence = "RoPE rotates v as well; it is for q and k alone",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.v") return;
             values = rotated(values, scene.config, RopeLayout::half_split, [](std::int64_t t) { return t; });
           }},
      {.name = "rope_scaling_ignored",
       .sentence = "the model's RoPE scaling is ignored",
       .chapter = 3,
       .applies = has_rope_scaling,
       .misread = [](ModelConfig& config) { config.rope.scaling = std::monostate{}; },
       .replace = {}},
      {.name = "rope_theta_default",
       .sentence = "RoPE's theta is taken as 10000; the model says another",
       .chapter = 3,
       .applies = [](const ModelConfig& config) { return config.rope.theta != 10000; },
       .misread = [](ModelConfig& config) { config.rope.theta = 10000; },
       .replace = {}},
      {.name = "positions_restart",
       .sentence = "positions start from 0 in every batch; they go on where the sequence ended",
       .chapter = 6,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::half_split,
                         [&](std::int64_t t) { return t - scene.feeding.batch_start(t); });
           }},
      {.name = "position_off_after_chunk",
       .sentence = "positions after the first batch are one too high",
       .chapter = 6,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             rotate_both(point, values, scene, RopeLayout::half_split,
                         [&](std::int64_t t) { return scene.feeding.batch_start(t) > 0 ? t + 1 : t; });
           }},
  };
}

std::vector<ModelMistake> attention_mistakes() {
  return {
      {.name = "sees_next_token",
       .sentence = "the causal mask is off by one: a token sees the one after it",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return right_mask(scene.config, t, j) || (j == t + 1 && j < scene.feeding.batch_end(t));
       })},
      {.name = "sees_not_itself",
       .sentence = "the causal mask is off by one: a token does not see itself",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return j != t && right_mask(scene.config, t, j);
       })},
      {.name = "window_ignored",
       .sentence = "the sliding window is ignored: a token sees all positions before it",
       .chapter = 3,
       .applies = has_window,
       .misread = [](ModelConfig& config) { config.sliding_window.reset(); },
       .replace = {}},
      {.name = "window_one_longer",
       .sentence = "the sliding window is W + 1 positions; it is W, the token's own among them",
       .chapter = 3,
       .applies = has_window,
       .misread = [](ModelConfig& config) { ++*config.sliding_window; },
       .replace = {}},
      {.name = "scale_missing",
       .sentence = "the scores are not divided by √D",
       .chapter = 3,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.output") values = attend(scene, {.sees = {}, .kv_head = {}, .scale = 1});
           }},
      {.name = "scale_of_hidden",
       .sentence = "the scores are divided by √(hidden / H); D is not that here",
       .chapter = 3,
       .applies = [](const ModelConfig& c) { return c.head_dim * c.heads != c.hidden; },
       .misread = {},
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
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.output") return;
             const std::int64_t G = scene.config.kv_heads;
             values =
                 attend(scene, {.sees = {}, .kv_head = [G](std::int64_t h) { return h % G; }, .scale = 0});
           }},
      {.name = "cache_not_read",
       .sentence = "a batch sees its own tokens alone, not what is remembered",
       .chapter = 6,
       .applies = {},
       .misread = {},
       .replace = wrong_mask([](const Scene& scene, std::int64_t t, std::int64_t j) {
         return j >= scene.feeding.batch_start(t) && right_mask(scene.config, t, j);
       })},
      {.name = "own_batch_not_seen",
       .sentence =
           "a batch sees what was remembered before it and itself, not the other tokens it came with: the "
           "length was read before the new keys were added",
       .chapter = 6,
       .applies = {},
       .misread = {},
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
std::vector<ModelMistake> cache_mistakes() {
  return {
      {.name = "cached_keys_not_rotated",
       .sentence =
           "keys are remembered as they are before RoPE; they are rotated first, by their own position",
       .chapter = 6,
       .applies = {},
       .misread = {},
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
       .applies = {},
       .misread = {},
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
       .applies = {},
       .misread = {},
       .replace = wrong_slots([](const Scene&, std::int64_t, std::int64_t j) { return j - 1; })},
      {.name = "cache_overwritten",
       .sentence =
           "every batch is written from the first slot on, over what is remembered; it goes behind it",
       .chapter = 6,
       .applies = {},
       .misread = {},
       .replace = wrong_slots(overwritten_slot)},
  };
}

std::vector<ModelMistake> skeleton_mistakes() {
  return {
      {.name = "eps_ignored",
       .sentence = "RMSNorm without eps",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.norm_eps != 0; },
       .misread = [](ModelConfig& config) { config.norm_eps = 0; },
       .replace = {}},
      {.name = "eps_of_another_model",
       .sentence = "RMSNorm with eps 1e-6; the model says another",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.norm_eps != 1e-6; },
       .misread = [](ModelConfig& config) { config.norm_eps = 1e-6; },
       .replace = {}},
      {.name = "norm_weight_plus_one",
       .sentence = "the last norm multiplies by 1 + weight, as Gemma does; Llama multiplies by weight",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "norm") return;
             const Grid& x = scene.at("feed_forward.residual");
             for (std::int64_t t = 0; t < x.rows; ++t) {
               const double root = root_mean_square(x.row(t), scene.config.norm_eps);
               for (std::int64_t i = 0; i < x.columns; ++i) values.row(t)[i] += x.row(t)[i] / root;
             }
           }},
      {.name = "last_norm_forgotten",
       .sentence = "the norm before the output matrix is left out",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "norm") values = scene.at("feed_forward.residual");
           }},
      {.name = "residual_after_norm",
       .sentence = "the residual stream goes on from the norm's output; it goes on from the norm's input",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.residual") return;
             values = scene.at("attention.norm");
             add(values, scene.at("attention.projected"));
           }},
      {.name = "attention_norm_forgotten",
       .sentence = "q, k and v are made from the residual stream itself; the norm comes before them",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.norm") values = before_layer(scene);
           }},
      {.name = "feed_forward_norm_forgotten",
       .sentence = "the feed-forward layer reads the residual stream itself; the norm comes before it",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "feed_forward.norm") values = scene.at("attention.residual");
           }},
      {.name = "feed_forward_norm_of_attention",
       .sentence = "both norms of a layer multiply by attention's weight; the feed-forward layer has its own",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.norm") return;
             const std::vector<double> weight = attention_norm_weight(scene);
             const Grid& x = scene.at("attention.residual");
             for (std::int64_t t = 0; t < x.rows; ++t) {
               const double root = root_mean_square(x.row(t), scene.config.norm_eps);
               for (std::int64_t i = 0; i < x.columns; ++i) {
                 values.row(t)[i] = x.row(t)[i] / root * weight[static_cast<std::size_t>(i)];
               }
             }
           }},
      {.name = "attention_residual_forgotten",
       .sentence = "attention's output replaces the residual stream; it is added to it",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.residual") values = scene.at("attention.projected");
           }},
      {.name = "feed_forward_residual_forgotten",
       .sentence = "the feed-forward layer's output replaces the residual stream; it is added to it",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "feed_forward.residual") values = scene.at("feed_forward.output");
           }},
      {.name = "gate_and_up_swapped",
       .sentence = "silu(up) · gate; it is silu(gate) · up",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.activation") return;
             const Grid& gate = scene.at("feed_forward.gate");
             const Grid& up = scene.at("feed_forward.up");
             for (std::size_t i = 0; i < values.values.size(); ++i) {
               values.values[i] = up.values[i] / (1 + std::exp(-up.values[i])) * gate.values[i];
             }
           }},
      {.name = "gelu_for_silu",
       .sentence = "the gate goes through GELU; Llama's goes through SiLU",
       .chapter = 4,
       .applies = {},
       .misread = {},
       .replace = wrong_activation([](double z) { return z * 0.5 * std::erfc(-z / std::sqrt(2.0)); })},
      {.name = "tied_output_forgotten",
       .sentence = "the output matrix is left at zero; the file has none because it is the embedding (tied)",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.tied_embeddings; },
       .misread = {},
       .replace =
           [](std::string_view point, Grid& values, const Scene&) {
             if (point == "logits") std::ranges::fill(values.values, 0.0);
           }},
      {.name = "output_taken_as_tied",
       .sentence = "the embedding is used as the output matrix; the model has its own (untied)",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return !config.tied_embeddings; },
       .misread = [](ModelConfig& config) { config.tied_embeddings = true; },
       .replace = {}},
  };
}

/// "attention.q" for "layers.3.attention.q"; "norm" stays "norm".
std::string_view without_layer(std::string_view point) {
  if (!point.starts_with("layers.")) return point;
  point.remove_prefix(std::string_view("layers.").size());
  return point.substr(point.find('.') + 1);
}

}  // namespace

std::int64_t Feeding::batch_start(std::int64_t position) const {
  return *std::prev(std::ranges::upper_bound(starts, position));
}

std::int64_t Feeding::batch_end(std::int64_t position) const {
  const auto next = std::ranges::upper_bound(starts, position);
  return next == starts.end() ? static_cast<std::int64_t>(tokens.size()) : *next;
}

const std::vector<ModelMistake>& model_mistakes() {
  static const std::vector<ModelMistake> all = [] {
    std::vector<ModelMistake> mistakes;
    for (const auto& part : {rope_mistakes(), attention_mistakes(), cache_mistakes(), skeleton_mistakes()}) {
      mistakes.insert(mistakes.end(), part.begin(), part.end());
    }
    return mistakes;
  }();
  return all;
}

const ModelMistake& find_model_mistake(std::string_view name) {
  std::string names;
  for (const ModelMistake& mistake : model_mistakes()) {
    if (mistake.name == name) return mistake;
    names += (names.empty() ? "" : ", ") + mistake.name;
  }
  throw Error(ErrorKind::usage, "expected a mistake out of {}, found \"{}\"", names, name);
}

bool applies(const ModelMistake& mistake, const ModelConfig& config) {
  return !mistake.applies || mistake.applies(config);
}

oracle::Transformer mistaken_transformer(const Checkpoint& checkpoint, const ModelMistake& mistake) {
  ModelConfig config = checkpoint.config();
  if (mistake.misread) mistake.misread(config);
  return {checkpoint, std::move(config)};
}

oracle::Hook mistaken_hook(const ModelMistake& mistake, const ModelConfig& config, const Feeding& feeding) {
  if (!mistake.replace) return {};
  const auto seen = std::make_shared<std::map<std::string, oracle::Grid, std::less<>>>();
  return {.see =
              [&mistake, &config, &feeding, seen](std::string_view point, oracle::Grid& values) {
                const std::string_view op = without_layer(point);
                mistake.replace(op, values, {.config = config, .feeding = feeding, .seen = *seen});
                (*seen)[std::string(op)] = values;
              },
          .sum = {}};
}

oracle::Hook chain(oracle::Hook first, oracle::Hook second) {
  oracle::Hook both;
  both.see = [a = std::move(first.see), b = std::move(second.see)](std::string_view point,
                                                                   oracle::Grid& values) {
    if (a) a(point, values);
    if (b) b(point, values);
  };
  if (!first.sum || !second.sum) {
    both.sum = first.sum ? std::move(first.sum) : std::move(second.sum);
  } else {
    both.sum = [a = std::move(first.sum), b = std::move(second.sum)](
                   oracle::Grid& sums, const oracle::Grid& squares, std::int64_t terms) {
      a(sums, squares, terms);
      b(sums, squares, terms);
    };
  }
  return both;
}

}  // namespace rung::check
