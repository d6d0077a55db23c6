// ./rung quantize of a Hugging Face directory of experts: the GGUF file is the same model, but for what its types lose.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "chapters/08_quantization/quantize.h"
#include "chapters/08_quantization/quantize_model.h"
#include "chapters/09_mixture_of_experts/moe_stages.h"
#include "core/check/model_reference.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

namespace {

using namespace rung;
using namespace rung::support;

constexpr std::array<std::int32_t, 16> text{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 31};

/// Rows that blocks of 32 divide.
ModelConfig of_whole_blocks() {
  ModelConfig config = tiny_mixture_config();
  config.hidden = 64;
  config.head_dim = 16;
  config.feed_forward = 96;
  return config;
}

Matrix logits_of_text(const Checkpoint& checkpoint) {
  Batch batch;
  batch.add(0, 0, text, Batch::Logits::all);
  return make_moe(checkpoint, {})->forward(batch);
}

/// A matrix of the directory in another type; its router as it is.
OtherWeights in_type(const Tensor& tensor, DType type) {
  if (is_router(tensor.name)) return {};
  const Matrix numbers = load_f32(tensor);
  OtherWeights other{.dtype = type, .bytes = {}};
  for (Eigen::Index r = 0; r < numbers.rows(); ++r) {
    const std::size_t columns = static_cast<std::size_t>(numbers.cols());
    const std::size_t bytes = columns / static_cast<std::size_t>(info(type).block_elements) *
                              static_cast<std::size_t>(info(type).block_bytes);
    other.bytes.resize(other.bytes.size() + bytes);
    quantize(type, {numbers.row(r).data(), columns}, std::span(other.bytes).last(bytes));
  }
  return other;
}

}  // namespace

TEST_CASE("a Hugging Face mixture of experts as GGUF in F32 has the same logits") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "out.gguf";
  write_huggingface(directory.path(), to_config_json(TinyModel(of_whole_blocks())),
                    to_safetensors(TinyModel(of_whole_blocks())));
  for (const auto& source : {testing::model_path("mixtral"), directory.path()}) {
    INFO(source.string());
    const Checkpoint in = Checkpoint::open(source);
    quantize_model(in, path, DType::F32);
    CHECK(logits_of_text(Checkpoint::open(path)) == logits_of_text(in));
  }
}

TEST_CASE(
    "a Hugging Face mixture of experts as GGUF in a smaller type is within the budget of its rounded "
    "weights") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "out.gguf";
  const TinyModel model(of_whole_blocks());
  write_huggingface(directory.path(), to_config_json(model), to_safetensors(model));
  const Checkpoint in = Checkpoint::open(directory.path());
  const Matrix exact = logits_of_text(in);
  for (const DType type : {DType::F16, DType::Q8_0, DType::Q4_0}) {
    quantize_model(in, path, type);
    const Matrix found = logits_of_text(Checkpoint::open(path));
    const Checkpoint rounded =
        in.with_weights([type](const Tensor& tensor) { return in_type(tensor, type); });
    const auto reference = check::measure_reference(oracle::Transformer(rounded), text,
                                                    check::NumberType::f32, 1, check::KeepPoints::budgets);
    REQUIRE(reference.unsure.empty());
    double off = 0;
    for (Eigen::Index i = 0; i < found.size(); ++i) {
      off = std::max(off, std::abs(static_cast<double>(found.data()[i]) -
                                   reference.logits.values[static_cast<std::size_t>(i)]));
    }
    INFO(name(type) << ": off by " << off << " of " << reference.budget);
    CHECK(off <= reference.budget);
    // The type is seen: the model as it was is further away.
    CHECK(static_cast<double>((found - exact).cwiseAbs().maxCoeff()) > reference.budget);
  }
}
