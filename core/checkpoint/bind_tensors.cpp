#include "core/checkpoint/bind_tensors.h"

#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

// The order of TensorNaming::in_layer; the last three are those of a dense layer.
constexpr std::array<std::string_view, 9> names_in_layer = {
    "attention.norm",    "attention.q",       "attention.k",     "attention.v",      "attention.o",
    "feed_forward.norm", "feed_forward.gate", "feed_forward.up", "feed_forward.down"};
constexpr std::size_t before_feed_forward = 6;
constexpr std::string_view router_name = "feed_forward.router";
// The order of TensorNaming::expert and ::stacked_experts.
constexpr std::array<std::string_view, 3> names_in_expert = {"gate", "up", "down"};

/// What a model wants one of its tensors to be.
struct Role {
  std::string name;         // the project's
  std::string stored_name;  // the format's
  Shape shape;
  std::int64_t rope_heads = 0;  // q and k: heads that are rotated; else 0
};

/// Gate, up and down of a feed-forward layer, or of one expert.
std::array<Shape, 3> feed_forward_shapes(const ModelConfig& c) {
  return {Shape{c.feed_forward, c.hidden}, {c.feed_forward, c.hidden}, {c.hidden, c.feed_forward}};
}

std::string in_layer(const TensorNaming& naming, std::int64_t layer, std::string_view name) {
  return fmt::format("{}{}.{}", naming.layer_prefix, layer, name);
}

std::string expert_name(const TensorNaming& naming, std::size_t matrix, std::int64_t expert) {
  return fmt::format(fmt::runtime(naming.expert[matrix]), expert);
}

/// What every layer has, without the experts of a mixture.
std::vector<Role> layer_roles(const ModelConfig& c, const TensorNaming& naming, std::int64_t layer) {
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  const std::array<Shape, 3> dense = feed_forward_shapes(c);
  const std::array<Shape, 9> shapes = {Shape{c.hidden}, {q, c.hidden}, {kv, c.hidden},
                                       {kv, c.hidden},  {c.hidden, q}, {c.hidden},
                                       dense[0],        dense[1],      dense[2]};
  const std::array<std::int64_t, 9> rope_heads = {0, c.heads, c.kv_heads, 0, 0, 0, 0, 0, 0};
  std::vector<Role> roles;
  roles.reserve(names_in_layer.size());
  for (std::size_t i = 0; i < (c.mixture ? before_feed_forward : names_in_layer.size()); ++i) {
    roles.push_back({fmt::format("layers.{}.{}.weight", layer, names_in_layer[i]),
                     in_layer(naming, layer, naming.in_layer[i]), shapes[i], rope_heads[i]});
  }
  if (c.mixture) {
    roles.push_back({fmt::format("layers.{}.{}.weight", layer, router_name),
                     in_layer(naming, layer, naming.router),
                     {c.mixture->experts, c.hidden}});
  }
  return roles;
}

using ByName = std::map<std::string_view, const StoredTensor*>;

ByName index_by_name(const std::vector<StoredTensor>& stored) {
  ByName by_name;
  for (const StoredTensor& tensor : stored) {
    if (!by_name.emplace(tensor.name, &tensor).second) {
      throw Error(ErrorKind::bad_input, "{}: is there twice", tensor.where());
    }
  }
  return by_name;
}

Tensor bind(const Role& role, const StoredTensor& stored, const TensorNaming& naming) {
  stored.require_readable();
  const bool fits =
      stored.view.shape == role.shape ||
      (naming.pads_shapes && without_leading_ones(stored.view.shape) == without_leading_ones(role.shape));
  if (!fits) {
    throw Error(ErrorKind::bad_input, "{}: expected shape {} from the config, found {}", stored.where(),
                to_string(role.shape), to_string(stored.view.shape));
  }
  Tensor tensor{.name = role.name,
                .stored_name = stored.name,
                .file = stored.file->path(),
                .view = stored.view,
                .row_layout = std::nullopt,
                .heads = role.rope_heads};
  tensor.view.shape = role.shape;
  if (role.rope_heads > 0) tensor.row_layout = naming.rope_layout;
  return tensor;
}

/// Takes what a model needs out of what is stored.
class Binder {
 public:
  Binder(const std::filesystem::path& file, const ModelConfig& config, const TensorNaming& naming,
         const std::vector<StoredTensor>& stored)
      : file_(file), config_(config), naming_(naming), left_(index_by_name(stored)) {}

  void take(const Role& role) { result_.push_back(bind(role, take_stored(role.stored_name), naming_)); }

  void take_experts(std::int64_t layer) {
    const std::array<Shape, 3> shapes = feed_forward_shapes(config_);
    const bool stacked = !naming_.stacked_experts.empty() &&
                         left_.contains(in_layer(naming_, layer, naming_.stacked_experts.front()));
    for (std::size_t i = 0; i < names_in_expert.size(); ++i) {
      if (stacked) {
        take_stack(layer, i, shapes[i]);
        continue;
      }
      for (std::int64_t expert = 0; expert < config_.mixture->experts; ++expert) {
        take({project_name(layer, expert, i), in_layer(naming_, layer, expert_name(naming_, i, expert)),
              shapes[i]});
      }
    }
  }

  /// @throws Error (bad_input) where something is left that would change what the model computes
  std::vector<Tensor> finish() {
    for (const auto& [stored_name, tensor] : left_) {
      if (naming_.harmless(stored_name)) continue;
      throw Error(
          ErrorKind::bad_input,
          "{}: is not part of a {} model as this project knows it (or belongs to a layer beyond the {} "
          "claimed); without it the results would be wrong",
          tensor->where(), config_.family, config_.layers);
    }
    return std::move(result_);
  }

 private:
  static std::string project_name(std::int64_t layer, std::int64_t expert, std::size_t matrix) {
    return fmt::format("layers.{}.feed_forward.experts.{}.{}.weight", layer, expert, names_in_expert[matrix]);
  }

  const StoredTensor& take_stored(const std::string& stored_name) {
    const auto found = left_.find(stored_name);
    if (found == left_.end()) {
      throw Error(ErrorKind::bad_input, "{}: tensor {} is missing; the model has {} layers{} and needs it",
                  file_.string(), stored_name, config_.layers,
                  config_.mixture ? fmt::format(" of {} experts", config_.mixture->experts) : "");
    }
    const StoredTensor& stored = *found->second;
    left_.erase(found);
    return stored;
  }

  /// The matrices of all experts, whose bytes stand one after the other.
  void take_stack(std::int64_t layer, std::size_t matrix, const Shape& of_one) {
    const std::int64_t experts = config_.mixture->experts;
    const Role all{
        "", in_layer(naming_, layer, naming_.stacked_experts[matrix]), {experts, of_one[0], of_one[1]}};
    const Tensor stack = bind(all, take_stored(all.stored_name), naming_);
    const auto bytes = static_cast<std::size_t>(of_one[0] * stack.view.row_bytes());
    for (std::int64_t expert = 0; expert < experts; ++expert) {
      Tensor tensor = stack;
      tensor.name = project_name(layer, expert, matrix);
      tensor.stored_name = fmt::format("{}[{}]", stack.stored_name, expert);
      tensor.view.shape = of_one;
      tensor.view.bytes = stack.view.bytes.subspan(static_cast<std::size_t>(expert) * bytes, bytes);
      result_.push_back(std::move(tensor));
    }
  }

  const std::filesystem::path& file_;
  const ModelConfig& config_;
  const TensorNaming& naming_;
  ByName left_;
  std::vector<Tensor> result_;
};

/// A tensor of a layer by the project's name: "layers.7.attention.q.weight" is attention.q of layer 7.
struct InLayer {
  std::string_view layer, rest;
};

std::optional<InLayer> split_layer(std::string_view name) {
  constexpr std::string_view layers = "layers.";
  constexpr std::string_view weight = ".weight";
  const std::size_t dot = name.find('.', layers.size());
  if (!name.starts_with(layers) || !name.ends_with(weight) || dot >= name.size() - weight.size())
    return std::nullopt;
  return InLayer{.layer = name.substr(layers.size(), dot - layers.size()),
                 .rest = name.substr(dot + 1, name.size() - weight.size() - dot - 1)};
}

/// One expert's matrix, and which of gate, up and down it is.
struct ExpertMatrix {
  std::int64_t expert = 0;
  std::size_t matrix = 0;
};

/// What "feed_forward.experts.5.gate" is, or nothing.
std::optional<ExpertMatrix> expert_matrix(std::string_view rest) {
  constexpr std::string_view experts = "feed_forward.experts.";
  const std::size_t dot = rest.rfind('.');
  if (!rest.starts_with(experts) || dot < experts.size()) return std::nullopt;
  const std::string_view digits = rest.substr(experts.size(), dot - experts.size());
  ExpertMatrix found;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), found.expert);
  if (wrong != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  for (; found.matrix < names_in_expert.size(); ++found.matrix)
    if (rest.substr(dot + 1) == names_in_expert[found.matrix]) return found;
  return std::nullopt;
}

}  // namespace

std::string stored_name(const TensorNaming& naming, std::string_view name) {
  if (name == "embedding.weight") return naming.embedding;
  if (name == "norm.weight") return naming.norm;
  if (name == "output.weight") return naming.output;
  if (const auto in = split_layer(name)) {
    const auto stored = [&](std::string_view rest) {
      return fmt::format("{}{}.{}", naming.layer_prefix, in->layer, rest);
    };
    for (std::size_t i = 0; i < names_in_layer.size(); ++i)
      if (in->rest == names_in_layer[i]) return stored(naming.in_layer[i]);
    if (in->rest == router_name) return stored(naming.router);
    if (const auto expert = expert_matrix(in->rest))
      return stored(expert_name(naming, expert->matrix, expert->expert));
  }
  throw Error(ErrorKind::bad_input, "{} is no tensor of a model", printable(name));
}

std::optional<PlaceInStack> place_in_stack(const TensorNaming& naming, std::string_view name) {
  const auto in = split_layer(name);
  const auto found = in ? expert_matrix(in->rest) : std::nullopt;
  if (!found || naming.stacked_experts.empty()) return std::nullopt;
  return PlaceInStack{.stored_name = fmt::format("{}{}.{}", naming.layer_prefix, in->layer,
                                                 naming.stacked_experts[found->matrix]),
                      .expert = found->expert};
}

std::vector<Tensor> bind_tensors(const std::filesystem::path& file, const ModelConfig& config,
                                 const TensorNaming& naming, const std::vector<StoredTensor>& stored) {
  // Before anything is allocated per layer: the claimed layers must have tensors.
  if (config.layers > static_cast<std::int64_t>(stored.size())) {
    throw Error(ErrorKind::bad_input, "{}: {} layers are claimed, but there are only {} tensors",
                file.string(), config.layers, stored.size());
  }
  Binder binder(file, config, naming, stored);
  binder.take({"embedding.weight", naming.embedding, {config.vocab, config.hidden}});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    for (const Role& role : layer_roles(config, naming, layer)) binder.take(role);
    if (config.mixture) binder.take_experts(layer);
  }
  binder.take({"norm.weight", naming.norm, {config.hidden}});
  if (!config.tied_embeddings) binder.take({"output.weight", naming.output, {config.vocab, config.hidden}});
  return binder.finish();
}

}  // namespace rung
