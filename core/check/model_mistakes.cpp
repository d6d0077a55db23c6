#include "core/check/model_mistakes.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "core/check/model_mistake_lists.h"
#include "core/error.h"

namespace rung::check {
namespace {

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
    for (const auto& part :
         {model_attention_mistakes(), model_skeleton_mistakes(), model_mixture_mistakes()}) {
      mistakes.insert(mistakes.end(), part.begin(), part.end());
    }
    return mistakes;
  }();
  return all;
}

const std::vector<ModelMistake>& integer_mistakes() {
  static const std::vector<ModelMistake> all = model_integer_mistakes();
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

bool applies(const ModelMistake& mistake, const Checkpoint& checkpoint) {
  if (!applies(mistake, checkpoint.config())) return false;
  return mistake.types.empty() || std::ranges::any_of(checkpoint.tensors(), [&](const Tensor& tensor) {
           return std::ranges::count(mistake.types, tensor.view.dtype) > 0;
         });
}

namespace {

/// All rows of a matrix of one of the mistake's types, wrongly decoded.
OtherWeights reread(const ModelMistake& mistake, const Tensor& tensor) {
  if (std::ranges::count(mistake.types, tensor.view.dtype) == 0) return {};
  const std::int64_t columns = tensor.view.row_elements();
  std::vector<float> numbers(static_cast<std::size_t>(elements(tensor.view.shape)));
  for (std::int64_t r = 0; r < tensor.view.rows(); ++r) {
    mistake.reread(
        tensor.view.dtype, tensor.view.row(tensor.stored_row(r)),
        std::span(numbers).subspan(static_cast<std::size_t>(r * columns), static_cast<std::size_t>(columns)));
  }
  const auto bytes = std::as_bytes(std::span(numbers));
  return {.dtype = DType::F32, .bytes = {bytes.begin(), bytes.end()}};
}

}  // namespace

oracle::Transformer mistaken_transformer(const Checkpoint& checkpoint, const ModelMistake& mistake) {
  ModelConfig config = checkpoint.config();
  if (mistake.misread) mistake.misread(config);
  if (!mistake.reread) return {checkpoint, std::move(config)};
  auto wrong = std::make_shared<const Checkpoint>(
      checkpoint.with_weights([&](const Tensor& tensor) { return reread(mistake, tensor); }));
  return {std::move(wrong), std::move(config)};
}

oracle::Hook mistaken_hook(const ModelMistake& mistake, const oracle::Transformer& transformer,
                           const Feeding& feeding) {
  if (!mistake.replace) return {};
  const auto seen = std::make_shared<std::map<std::string, oracle::Grid, std::less<>>>();
  return {.see =
              [&mistake, &transformer, &feeding, seen](std::string_view point, oracle::Grid& values) {
                const std::string_view op = without_layer(point);
                mistake.replace(op, values,
                                {.config = transformer.config(),
                                 .feeding = feeding,
                                 .seen = *seen,
                                 .transformer = transformer,
                                 .layer = std::string(point.substr(0, point.size() - op.size()))});
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
