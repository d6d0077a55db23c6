#include "core/checkpoint/bind_tensors.h"

#include <array>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

// The order of TensorNaming::in_layer.
constexpr std::array<std::string_view, 9> names_in_layer = {
    "attention.norm",    "attention.q",       "attention.k",     "attention.v",      "attention.o",
    "feed_forward.norm", "feed_forward.gate", "feed_forward.up", "feed_forward.down"};

/// What a model wants one of its tensors to be.
struct Role {
  std::string name;         // the project's
  std::string stored_name;  // the format's
  Shape shape;
  std::int64_t rope_heads = 0;  // q and k: heads that are rotated; else 0
};

std::vector<Role> roles(const ModelConfig& c, const TensorNaming& naming) {
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  const std::array<Shape, 9> shapes = {Shape{c.hidden},
                                       {q, c.hidden},
                                       {kv, c.hidden},
                                       {kv, c.hidden},
                                       {c.hidden, q},
                                       {c.hidden},
                                       {c.feed_forward, c.hidden},
                                       {c.feed_forward, c.hidden},
                                       {c.hidden, c.feed_forward}};
  const std::array<std::int64_t, 9> rope_heads = {0, c.heads, c.kv_heads, 0, 0, 0, 0, 0, 0};

  std::vector<Role> result;
  result.push_back({"embedding.weight", naming.embedding, {c.vocab, c.hidden}});
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    for (std::size_t i = 0; i < names_in_layer.size(); ++i) {
      result.push_back({fmt::format("layers.{}.{}.weight", layer, names_in_layer[i]),
                        fmt::format("{}{}.{}", naming.layer_prefix, layer, naming.in_layer[i]), shapes[i],
                        rope_heads[i]});
    }
  }
  result.push_back({"norm.weight", naming.norm, {c.hidden}});
  if (!c.tied_embeddings) result.push_back({"output.weight", naming.output, {c.vocab, c.hidden}});
  return result;
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

}  // namespace

std::string stored_name(const TensorNaming& naming, std::string_view name) {
  if (name == "embedding.weight") return naming.embedding;
  if (name == "norm.weight") return naming.norm;
  if (name == "output.weight") return naming.output;
  constexpr std::string_view layers = "layers.";
  constexpr std::string_view weight = ".weight";
  const std::size_t dot = name.find('.', layers.size());
  if (name.starts_with(layers) && name.ends_with(weight) && dot < name.size() - weight.size()) {
    const std::string_view layer = name.substr(layers.size(), dot - layers.size());
    const std::string_view rest = name.substr(dot + 1, name.size() - weight.size() - dot - 1);
    for (std::size_t i = 0; i < names_in_layer.size(); ++i) {
      if (rest == names_in_layer[i])
        return fmt::format("{}{}.{}", naming.layer_prefix, layer, naming.in_layer[i]);
    }
  }
  throw Error(ErrorKind::bad_input, "{} is no tensor of a model", printable(name));
}

std::vector<Tensor> bind_tensors(const std::filesystem::path& file, const ModelConfig& config,
                                 const TensorNaming& naming, const std::vector<StoredTensor>& stored) {
  // Before anything is allocated per layer: the claimed layers must have tensors.
  if (config.layers > static_cast<std::int64_t>(stored.size())) {
    throw Error(ErrorKind::bad_input, "{}: {} layers are claimed, but there are only {} tensors",
                file.string(), config.layers, stored.size());
  }
  ByName left = index_by_name(stored);
  std::vector<Tensor> result;
  for (const Role& role : roles(config, naming)) {
    const auto found = left.find(role.stored_name);
    if (found == left.end()) {
      throw Error(ErrorKind::bad_input, "{}: tensor {} is missing; the model has {} layers and needs it",
                  file.string(), role.stored_name, config.layers);
    }
    result.push_back(bind(role, *found->second, naming));
    left.erase(found);
  }
  for (const auto& [stored_name, tensor] : left) {
    if (naming.harmless(stored_name)) continue;
    throw Error(ErrorKind::bad_input,
                "{}: is not part of a {} model as this project knows it (or belongs to a layer beyond the {} "
                "claimed); without it the results would be wrong",
                tensor->where(), config.family, config.layers);
  }
  return result;
}

}  // namespace rung
