// The stages `int8` and `int4`: what they hold, what they refuse, and that every way of theirs to multiply is the same.

#include "chapters/08_quantization/integer_stages.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/08_quantization/block_linear.h"
#include "chapters/08_quantization/quantize_model.h"
#include "chapters/08_quantization/synthetic_model.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/models.h"
#include "tests/support/temporary_directory.h"

using namespace rung;

namespace {

constexpr DType block_types[] = {DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0,
                                 DType::Q5_1, DType::Q4_K, DType::Q5_K, DType::Q6_K};

/// Blocks of random whole numbers with small scales: any bytes are blocks.
std::vector<std::byte> random_blocks(DType type, std::int64_t rows, std::int64_t columns) {
  const DTypeInfo& block = info(type);
  std::vector<std::byte> bytes(
      static_cast<std::size_t>(rows * columns / block.block_elements * block.block_bytes));
  std::uint32_t state = 12345;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  const auto put = [&](std::size_t at, std::uint16_t bits) {
    bytes[at] = static_cast<std::byte>(bits & 255);
    bytes[at + 1] = static_cast<std::byte>(bits >> 8);
  };
  std::uint16_t scale = 0x1c00;  // 2^-8, and a little more from block to block
  for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(block.block_bytes)) {
    put(at + (type == DType::Q6_K ? 208 : 0), scale++ % 0x2000);
    if (type == DType::Q4_1 || type == DType::Q5_1)
      put(at + 2, static_cast<std::uint16_t>(0x9c00 + scale % 512));
    if (type == DType::Q4_K || type == DType::Q5_K)
      put(at + 2, static_cast<std::uint16_t>(0x1c00 + scale % 512));
  }
  return bytes;
}

Tensor tensor_of(DType type, std::int64_t rows, std::int64_t columns, const std::vector<std::byte>& bytes) {
  Tensor tensor;
  tensor.name = tensor.stored_name = "some.weight";
  tensor.file = "some.gguf";
  tensor.view = {type, {rows, columns}, bytes};
  return tensor;
}

}  // namespace

TEST_CASE("a product of blocks is the product of what they stand for, for one row of x as for many") {
  constexpr std::int64_t rows = 70;  // no whole number of panels
  constexpr std::int64_t columns = 512;
  for (const DType type : block_types) {
    const std::vector<std::byte> bytes = random_blocks(type, rows, columns);
    const Tensor tensor = tensor_of(type, rows, columns, bytes);
    const BlockLinear linear(std::make_shared<const BlockMatrix>(tensor, type));
    const Eigen::MatrixXd weights = load_f32(tensor).cast<double>();
    for (const std::int64_t count : {1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 64, 97}) {
      const Matrix x = Matrix::Random(count, columns);
      const Activations activations(x);
      Matrix y = Matrix::Constant(count, rows, std::numeric_limits<float>::quiet_NaN());
      linear.apply(activations, y);
      // The same activations, in double.
      const Eigen::MatrixXd rounded = activations.as<QuantizedActivations>().dequantized().cast<double>();
      const Eigen::MatrixXd right = rounded * weights.transpose();
      const Eigen::MatrixXd sizes = rounded.cwiseAbs() * weights.cwiseAbs().transpose();
      INFO(name(type) << ", " << count << " rows of x");
      CHECK(((y.cast<double>() - right).array().abs() <= 4e-6 * sizes.array()).all());
    }
  }
}

TEST_CASE("rows that are no whole number of blocks are filled up, and the rest counts for nothing") {
  for (const std::int64_t columns : {1, 31, 33, 36, 40, 95}) {
    const Matrix weights = Matrix::Random(5, columns);
    std::vector<std::byte> bytes(static_cast<std::size_t>(weights.size()) * sizeof(float));
    std::memcpy(bytes.data(), weights.data(), bytes.size());
    const Tensor tensor = tensor_of(DType::F32, 5, columns, bytes);
    for (const DType type : {DType::Q8_0, DType::Q4_1}) {
      const auto matrix = std::make_shared<const BlockMatrix>(tensor, type);
      const Matrix held = dequantized(*matrix);
      CHECK((held - weights).cwiseAbs().maxCoeff() < (type == DType::Q8_0 ? 0.005F : 0.08F));
      const BlockLinear linear(matrix);
      for (const std::int64_t count : {1, 40}) {
        const Matrix x = Matrix::Random(count, columns);
        Matrix y(count, 5);
        linear.apply(Activations(x), y);
        INFO(columns << " columns of " << name(type));
        CHECK((y - x * held.transpose()).cwiseAbs().maxCoeff() < 0.01F * static_cast<float>(columns));
      }
    }
  }
}

TEST_CASE("activations that are not finite make products that are not") {
  const std::vector<std::byte> bytes = random_blocks(DType::Q4_0, 3, 64);
  const BlockLinear linear(
      std::make_shared<const BlockMatrix>(tensor_of(DType::Q4_0, 3, 64, bytes), DType::Q4_0));
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::int64_t count : {1, 40}) {
      Matrix x = Matrix::Random(count, 64);
      x(0, 40) = bad;
      Matrix y(count, 3);
      linear.apply(Activations(x), y);
      CHECK_FALSE(std::isfinite(y(0, 0)));
      if (count > 1) CHECK(std::isfinite(y(1, 0)));
    }
  }
}

TEST_CASE("a block whose scale or minimum is not finite is refused, naming file, tensor and place") {
  for (const DType type : block_types) {
    const bool minimum =
        type == DType::Q4_1 || type == DType::Q5_1 || type == DType::Q4_K || type == DType::Q5_K;
    for (const std::size_t field : {std::size_t{0}, std::size_t{2}}) {
      if (field == 2 && !minimum) continue;
      for (const int high : {0x7c, 0xfc, 0x7e}) {  // infinities and a NaN
        std::vector<std::byte> bytes = random_blocks(type, 4, 512);
        const auto row_bytes = bytes.size() / 4;
        bytes[2 * row_bytes + (type == DType::Q6_K ? 208 : field)] = std::byte{0};
        bytes[2 * row_bytes + (type == DType::Q6_K ? 208 : field) + 1] = static_cast<std::byte>(high);
        INFO(name(type));
        for (const DType held : {type, DType::Q8_0}) {
          std::string message;
          try {
            const BlockMatrix matrix(tensor_of(type, 4, 512, bytes), held);
          } catch (const Error& error) {
            message = error.what();
          }
          CHECK(message.starts_with("some.gguf: tensor some.weight: the number at row 2, column 0 is "));
        }
      }
    }
  }
}

TEST_CASE("a weight that no scale in fp16 reaches is refused") {
  Matrix weights = Matrix::Ones(3, 64);
  weights(1, 5) = 1e9F;
  std::vector<std::byte> bytes(static_cast<std::size_t>(weights.size()) * sizeof(float));
  std::memcpy(bytes.data(), weights.data(), bytes.size());
  const Tensor tensor = tensor_of(DType::F32, 3, 64, bytes);
  for (const DType type : {DType::Q8_0, DType::Q4_1}) {
    std::string message;
    try {
      const BlockMatrix matrix(tensor, type);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message.starts_with("some.gguf: tensor some.weight: row 1 has a number too large for " +
                              std::string(name(type))));
  }
}

TEST_CASE("the stages hold what type_in_stage says, and no more bytes than its blocks") {
  const Checkpoint tiny = Checkpoint::open(testing::tiny_path());
  std::int64_t weights = 0;
  std::int64_t norms = 0;
  for (const Tensor& tensor : tiny.tensors())
    (tensor.view.rows() > 1 ? weights : norms) += elements(tensor.view.shape);
  CHECK(make_int8(tiny, {})->weight_bytes() == weights / 32 * 34 + 4 * norms);
  CHECK(make_int4(tiny, {})->weight_bytes() == weights / 32 * 20 + 4 * norms);

  // From a file of blocks: those of the file, that is no byte of memory besides.
  const support::TemporaryDirectory directory;
  for (const DType type : {DType::Q4_0, DType::Q4_1, DType::Q5_0}) {
    const auto path = directory.path() / (std::string(name(type)) + ".gguf");
    quantize_model(tiny, path, type);
    const Checkpoint quantised = Checkpoint::open(path);
    for (const Tensor& tensor : quantised.tensors()) {
      if (tensor.view.rows() < 2) continue;
      const BlockMatrix matrix(tensor, type_in_stage(IntegerWeights::int4, tensor.view.dtype));
      CHECK(matrix.bytes_made() == 0);
      for (const std::int64_t r : {0, 1, 17})
        CHECK(matrix.row(r).data() == tensor.view.row(tensor.stored_row(r)).data());
      CHECK(int4_weights(tensor).bytes.empty());
    }
    const auto stage = make_int4(quantised, {});
    CHECK(stage->weight_bytes() == weights / 32 * info(type).block_bytes + 4 * norms);
    CHECK(stage->cost().weight_bytes + stage->cost().output_bytes == stage->weight_bytes() - 4 * norms);
  }
}

namespace {

/// The most memory that this process has had since forget_peak(), in bytes.
std::int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << 5;  // proc(5): resets VmHWM
}

using Make = std::unique_ptr<Stage> (*)(const Checkpoint&, const StageOptions&);

/// Of loading a model, a prompt in one batch, and some steps.
std::int64_t peak_of(const std::filesystem::path& path, Make make, std::int64_t& kv_bytes) {
  forget_peak();
  const Checkpoint checkpoint = Checkpoint::open(path);
  const auto stage = make(checkpoint, {.max_positions = 64, .max_sequences = 1});
  std::vector<std::int32_t> tokens(40, 7);
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::last);
  stage->forward(batch);
  for (std::int32_t i = 0; i < 3; ++i) {
    Batch step;
    step.add(0, 40 + i, std::span(tokens).first(1), Batch::Logits::last);
    stage->forward(step);
  }
  kv_bytes = stage->kv_bytes();
  return peak_bytes();
}

}  // namespace

TEST_CASE("peak memory: the file, keys and values, and at most 150 MB; no matrix is ever there as fp32") {
  ModelConfig config = model_presets().front().config;
  config.layers = 4;
  config.hidden = 1024;
  config.heads = config.kv_heads = 8;
  config.head_dim = 128;
  config.feed_forward = 2816;
  config.vocab = 8192;
  config.context = 128;
  const support::TemporaryDirectory directory;
  const auto path = directory.path() / "model.gguf";
  const SyntheticModel model = synthesize_model("model", config, DType::Q4_0, 1, path);
  REQUIRE(model.weights * 4 > 250'000'000);
  std::int64_t kv = 0;
  for (const Make make : {make_int4, make_int8}) {
    const std::int64_t peak = peak_of(path, make, kv);
    CHECK(peak > model.file_bytes);
    CHECK(peak <= model.file_bytes + kv + 150'000'000);
  }
  // The measure would see it.
  const std::int64_t peak = peak_of(path, make_grouped, kv);
  CHECK(peak > model.file_bytes + kv + 150'000'000);
}
