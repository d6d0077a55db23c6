#include "core/checkpoint/checkpoint.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "core/checkpoint/opened_model.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

struct Checkpoint::Parts {
  /// The same file with what has been changed in `checkpoint`.
  static Checkpoint opened_again(const Checkpoint& checkpoint);

  std::filesystem::path path;
  OpenedModel model;
  std::unordered_map<std::string_view, const Tensor*> by_name;
  /// The bytes of tensors that with_weights() has replaced, by their index in model.tensors.
  std::map<std::size_t, std::shared_ptr<const std::vector<std::byte>>> replaced;
};

Checkpoint::Checkpoint(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

namespace {

/// People give one of the files where the directory is wanted.
void refuse_part_of_directory(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path extension = path.extension();
  if ((extension != ".safetensors" && extension != ".json") || !std::filesystem::exists(path, ignored))
    return;
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  throw Error(ErrorKind::bad_input, "{}: is one file of a Hugging Face model; give its directory, {}",
              path.string(), directory.string());
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool directory = std::filesystem::is_directory(path, ignored);
  if (!directory) refuse_part_of_directory(path);
  auto parts = std::make_unique<Parts>();
  parts->path = path;
  parts->model = directory ? open_huggingface(path) : open_gguf(path);
  for (const Tensor& tensor : parts->model.tensors) parts->by_name.emplace(tensor.name, &tensor);
  return Checkpoint(std::move(parts));
}

Checkpoint Checkpoint::Parts::opened_again(const Checkpoint& checkpoint) {
  Checkpoint again = open(checkpoint.path());
  const Parts& changed = *checkpoint.parts_;
  again.parts_->model.config = changed.model.config;
  again.parts_->replaced = changed.replaced;
  for (const auto& [index, bytes] : changed.replaced) {
    again.parts_->model.tensors[index].view = changed.model.tensors[index].view;
    again.parts_->model.tensors[index].row_layout = changed.model.tensors[index].row_layout;
  }
  return again;
}

Checkpoint Checkpoint::with_window(std::int64_t window) const {
  if (window < 1)
    throw Error(ErrorKind::usage, "{}: a window of {}: expected at least 1", path().string(), window);
  Checkpoint changed = Parts::opened_again(*this);
  changed.parts_->model.config.sliding_window = window;
  return changed;
}

Checkpoint Checkpoint::with_weights(const std::function<OtherWeights(const Tensor&)>& other) const {
  Checkpoint changed = Parts::opened_again(*this);
  for (std::size_t i = 0; i < parts_->model.tensors.size(); ++i) {
    Tensor& tensor = changed.parts_->model.tensors[i];
    if (tensor.view.rows() < 2) continue;
    OtherWeights weights = other(parts_->model.tensors[i]);
    if (weights.bytes.empty()) continue;
    const DTypeInfo& type = info(weights.dtype);
    const std::int64_t expected = elements(tensor.view.shape) / type.block_elements * type.block_bytes;
    if (tensor.view.row_elements() % type.block_elements != 0 || std::ssize(weights.bytes) != expected) {
      throw Error(ErrorKind::usage, "other weights for {}: expected {} bytes of {}, found {}", tensor.name,
                  expected, type.name, weights.bytes.size());
    }
    const auto bytes = std::make_shared<const std::vector<std::byte>>(std::move(weights.bytes));
    tensor.view = {weights.dtype, tensor.view.shape, *bytes};
    if (tensor.row_layout) tensor.row_layout = RopeLayout::half_split;
    changed.parts_->replaced[i] = bytes;
  }
  return changed;
}

const std::filesystem::path& Checkpoint::path() const {
  return parts_->path;
}
std::string_view Checkpoint::format() const {
  return parts_->model.format;
}
const ModelConfig& Checkpoint::config() const {
  return parts_->model.config;
}
const std::vector<Tensor>& Checkpoint::tensors() const {
  return parts_->model.tensors;
}

bool Checkpoint::has_tokenizer() const {
  return std::holds_alternative<TokenizerData>(parts_->model.tokenizer);
}

const TokenizerData& Checkpoint::tokenizer() const {
  const MaybeTokenizer& tokenizer = parts_->model.tokenizer;
  if (const auto* error = std::get_if<Error>(&tokenizer)) throw *error;
  if (const auto* data = std::get_if<TokenizerData>(&tokenizer)) return *data;
  throw Error(ErrorKind::bad_input, "{}: has no tokenizer; only commands that take token ids can use it",
              parts_->path.string());
}

const Tensor* Checkpoint::find(std::string_view name) const {
  const auto found = parts_->by_name.find(name);
  return found == parts_->by_name.end() ? nullptr : found->second;
}

const Tensor& Checkpoint::tensor(std::string_view name) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr) {
    throw Error(ErrorKind::bad_input, "{}: has no tensor {}", parts_->path.string(), printable(name));
  }
  return *tensor;
}

void Checkpoint::release_pages() const {
  for (const auto& file : parts_->model.files) file->release_pages();
}

void Checkpoint::release_pages(const Tensor& tensor) const {
  for (const auto& file : parts_->model.files) file->release_pages(tensor.view.bytes);
}

}  // namespace rung
