#include "chapters/21_sizing/stored_model.h"

#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rung {
namespace {

/// Which part a tensor belongs to, by the project's name for it.
std::int64_t& part_of(ModelParts& parts, std::string_view name) {
  if (name.ends_with("norm.weight")) return parts.norms;
  if (name == "embedding.weight") return parts.embedding;
  if (name == "output.weight") return parts.output;
  if (name.find(".attention.") != std::string_view::npos) return parts.attention;
  if (name.find("router") != std::string_view::npos) return parts.router;
  return parts.feed_forward;
}

}  // namespace

WeightedModel stored_model(const Checkpoint& checkpoint, const std::string& name) {
  WeightedModel stored;
  stored.model.id = stored.model.name = name;
  stored.model.config = checkpoint.config();
  std::set<std::string_view> types;
  for (const Tensor& tensor : checkpoint.tensors()) {
    part_of(stored.bytes, tensor.name) += static_cast<std::int64_t>(tensor.view.bytes.size());
    if (tensor.view.shape.size() > 1) types.insert(rung::name(tensor.view.dtype));
  }
  stored.weights = fmt::format("{}", fmt::join(types, "+"));
  return stored;
}

}  // namespace rung
