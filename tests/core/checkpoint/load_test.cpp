#include <cmath>
#include <limits>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "core/tensor/half.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;

TEST_CASE("numbers that are not finite are found, with file, tensor and place") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    TinyModel model;
    model.tensors["layers.1.attention.q.weight"][5 * 16 + 3] = bad;
    const TemporaryDirectory directory;
    // In GGUF half-split row 5 of a head of 6 is its last one, too; row 3 would be its second one.
    write_file(directory.path() / "m.gguf", to_gguf(model).bytes());
    const std::string text = complaint(directory.path() / "m.gguf");
    INFO(text);
    CHECK(one_line_with(text, {"m.gguf", "blk.1.attn_q.weight", "row 5, column 3"}));
    write_huggingface(directory.path(), to_config_json(model), to_safetensors(model));
    CHECK(one_line_with(complaint(directory.path()),
                        {"model.safetensors", "model.layers.1.self_attn.q_proj.weight", "row 5, column 3"}));
  }
}

TEST_CASE("the largest and the smallest finite numbers are loaded as they are") {
  TinyModel model;
  auto& numbers = model.tensors["norm.weight"];
  numbers[0] = std::numeric_limits<float>::max();
  numbers[1] = std::numeric_limits<float>::denorm_min();
  const TemporaryDirectory directory;
  write_file(directory.path() / "m.gguf", to_gguf(model).bytes());
  const Checkpoint checkpoint = Checkpoint::open(directory.path() / "m.gguf");
  const Matrix loaded = load_f32(checkpoint.tensor("norm.weight"));
  REQUIRE(loaded.rows() == 1);
  REQUIRE(loaded.cols() == 16);
  CHECK(loaded(0, 0) == std::numeric_limits<float>::max());
  CHECK(loaded(0, 1) == std::numeric_limits<float>::denorm_min());
}

TEST_CASE("a matrix that many threads load is the one that one thread would") {
  ModelConfig config = tiny_config();
  config.vocab = 6000;  // times 16: above the size from which threads are used
  const TinyModel model(config);
  SafetensorsFile weights = to_safetensors(model);
  // fp16 this time: the numbers are rounded on the way in, and must come back as rounded.
  auto& embedding = weights.tensor("model.embed_tokens.weight");
  embedding.dtype = "F16";
  embedding.data.clear();
  const auto& numbers = model.tensors.at("embedding.weight");
  for (const float number : numbers) append(embedding.data, float_to_half(number));
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(model), weights);
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  const Matrix loaded = load_f32(checkpoint.tensor("embedding.weight"));
  int wrong = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (loaded.data()[i] != half_to_float(float_to_half(numbers[i]))) ++wrong;
  }
  CHECK(wrong == 0);
}
