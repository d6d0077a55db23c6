// Sizes against what was published, and against the tensors of files.

#include <string>

#include "chapters/08_quantization/synthetic_model.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/plan.h"
#include "chapters/21_sizing/stored_model.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/21_sizing/sized.h"
#include "tests/support/models.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
using testing::sized;

TEST_CASE("published models have as many parameters as was published, to the last one") {
  CHECK(count_parameters(sized("llama2-7b").config).total() == 6'738'415'616);
  CHECK(count_parameters(sized("llama2-13b").config).total() == 13'015'864'320);
  CHECK(count_parameters(sized("llama2-70b").config).total() == 68'976'648'192);
  CHECK(count_parameters(sized("mistral-7b").config).total() == 7'241'732'096);
  CHECK(count_parameters(sized("mixtral-8x7b").config).total() == 46'702'792'704);
  CHECK(count_parameters(sized("llama3-8b").config).total() == 8'030'261'248);
  CHECK(count_parameters(sized("llama3-70b").config).total() == 70'553'706'496);
  CHECK(count_parameters(sized("smollm2-135m").config).total() == 134'515'008);
}

TEST_CASE("a token uses 12.9 of Mixtral's 46.7 billion parameters, and all of a dense model's") {
  const ModelConfig mixtral = sized("mixtral-8x7b").config, dense = sized("llama2-7b").config;
  CHECK(active_parts(count_parameters(mixtral), mixtral).total() == 12'879'925'248);
  CHECK(active_parts(count_parameters(dense), dense) == count_parameters(dense));
}

TEST_CASE("GPT-4 as reported has 1.8 trillion parameters, 280 billion of them for a token") {
  const ModelConfig config = sized("gpt4-16x110b").config;
  const ModelParts all = count_parameters(config), active = active_parts(all, config);
  CHECK(static_cast<double>(all.total()) == Approx(1.8e12).epsilon(0.02));
  CHECK(static_cast<double>(active.total()) == Approx(280e9).epsilon(0.01));
  CHECK(static_cast<double>(all.attention) == Approx(55e9).epsilon(0.05));
  CHECK(static_cast<double>(all.feed_forward) / 16 == Approx(111e9).epsilon(0.01));
  const ModelConfig other = sized("gpt4-8x220b").config;
  CHECK(static_cast<double>(count_parameters(other).feed_forward) / 8 == Approx(220e9).epsilon(0.01));
}

TEST_CASE("gigabytes that people quote: 14 and 26 for 7B and 13B in fp16, 140 for 70B") {
  const auto gigabytes = [](const std::string& name, DType type) {
    return static_cast<double>(weight_bytes(sized(name).config, type).total()) / 1e9;
  };
  CHECK(gigabytes("llama2-7b", DType::F16) == Approx(13.5).epsilon(0.01));
  CHECK(gigabytes("llama2-13b", DType::F16) == Approx(26).epsilon(0.01));
  CHECK(gigabytes("llama2-70b", DType::F16) == Approx(138).epsilon(0.01));
  CHECK(gigabytes("llama2-70b", DType::Q4_0) == Approx(38.8).epsilon(0.01));
}

TEST_CASE("sizes by dimensions are those of the tensors in files") {
  for (const std::string name : {"tiny", "llama_mha", "llama_gqa_tied", "llama_mqa", "mistral_full"}) {
    const Checkpoint checkpoint =
        Checkpoint::open(name == "tiny" ? testing::tiny_path() : testing::golden_model(name));
    ModelParts numbers;
    for (const Tensor& tensor : checkpoint.tensors()) numbers.embedding += elements(tensor.view.shape);
    INFO(name);
    CHECK(count_parameters(checkpoint.config()).total() == numbers.embedding);
  }
}

TEST_CASE("bytes by dimensions are those of a written file, whatever its type") {
  const support::TemporaryDirectory folder;
  ModelConfig config = sized("llama2-7b").config;
  config.layers = 2;
  config.hidden = 256;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 64;
  config.feed_forward = 352;  // no multiple of 256: q4_k falls back for it
  config.vocab = 300;
  for (const DType type :
       {DType::F32, DType::F16, DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q4_K, DType::Q6_K}) {
    const auto file = folder.path() / (std::string(name(type)) + ".gguf");
    synthesize_model("sized", config, type, 1, file);
    const Checkpoint checkpoint = Checkpoint::open(file);
    INFO(name(type));
    CHECK(stored_model(checkpoint, "sized").bytes == weight_bytes(config, type));
  }
}

TEST_CASE("a model that 64 bits cannot count is refused") {
  SizedModel model = sized("gpt4-16x110b");
  model.config.hidden = model.config.feed_forward = 1 << 24;
  model.config.layers = 4096;
  CHECK_THROWS_AS(with_weights(model, DType::F16), Error);
}
