// Stages that multiply whole numbers: a right one passes with every block type, every known mistake is rejected and
// named, and so is rounding to one side, which no single logit shows.

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "chapters/04_transformer/parts.h"
#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/08_quantization/block_embedding.h"
#include "chapters/08_quantization/block_linear.h"
#include "chapters/08_quantization/quantize_model.h"
#include "chapters/ladder.h"
#include "core/check/model_mistakes.h"
#include "core/check/oracle_stage.h"
#include "core/check/whole_model.h"
#include "core/tensor/half.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

namespace {

using namespace rung;
using namespace rung::check;

/// Every matrix as blocks of a type.
std::function<OtherWeights(const Tensor&)> weights_as(DType type) {
  return [type](const Tensor& tensor) {
    const BlockMatrix matrix(tensor, type);
    OtherWeights other{.dtype = type, .bytes = {}};
    for (std::int64_t r = 0; r < matrix.rows(); ++r)
      other.bytes.insert(other.bytes.end(), matrix.row(r).begin(), matrix.row(r).end());
    return other;
  };
}

/// What makes another linear layer out of one.
using Around = std::function<std::unique_ptr<Linear>(std::unique_ptr<Linear>)>;

StageInfo stage_with(DType type, const Around& around) {
  StageInfo info = find_stage(ladder(), "int4");
  info.name = std::string(name(type));
  info.weights = weights_as(type);
  info.make = [type, around](const Checkpoint& checkpoint, const StageOptions& options) {
    MatrixParts parts;
    parts.embedding = [type](const Tensor& tensor) {
      return std::make_unique<BlockEmbedding>(std::make_shared<const BlockMatrix>(tensor, type));
    };
    parts.linear = [type, &around](const Tensor& tensor) -> std::unique_ptr<Linear> {
      auto linear = std::make_unique<BlockLinear>(std::make_shared<const BlockMatrix>(tensor, type));
      return around ? around(std::move(linear)) : std::move(linear);
    };
    return grouped_stage_of(checkpoint.config(), parts_of(checkpoint, parts), options);
  };
  return info;
}

/// Cuts its input off toward zero, to numbers that are then whole.
class CutsInput : public Linear {
 public:
  explicit CutsInput(std::unique_ptr<Linear> right) : right_(std::move(right)) {}
  std::int64_t in() const override { return right_->in(); }
  std::int64_t out() const override { return right_->out(); }
  std::int64_t weight_bytes() const override { return right_->weight_bytes(); }
  void apply(const Activations& x, MatrixView out) const override {
    Matrix cut = x.values();
    for (Eigen::Index t = 0; t < cut.rows(); ++t) {
      for (Eigen::Index first = 0; first < cut.cols(); first += 32) {
        auto group = cut.row(t).segment(first, std::min<Eigen::Index>(32, cut.cols() - first));
        const float scale = group.cwiseAbs().maxCoeff() / 127;
        if (scale == 0) continue;
        // A little more than a whole number of steps, or the largest would lose one.
        group = group.unaryExpr([scale](float v) { return std::trunc(v / scale * 1.000001F) * scale; });
      }
    }
    right_->apply(Activations(cut), out);
  }

 private:
  std::unique_ptr<Linear> right_;
};

/// Blocks of random whole numbers, of the size that a trained model's weights have: about 0.06, and 0 on the average. For
/// the types that nothing here makes out of numbers.
OtherWeights random_blocks(const Tensor& tensor, DType type, std::mt19937& bits) {
  if (tensor.view.shape.size() < 2) return {};
  const DTypeInfo& block = info(type);
  OtherWeights other{.dtype = type, .bytes = {}};
  other.bytes.resize(static_cast<std::size_t>(tensor.view.rows() * tensor.view.row_elements() /
                                              block.block_elements * block.block_bytes));
  for (std::byte& byte : other.bytes) byte = static_cast<std::byte>(bits() & 255);
  const auto put = [&](std::size_t at, double value) {
    const std::uint16_t half = float_to_half(static_cast<float>(value));
    other.bytes[at] = static_cast<std::byte>(half & 255);
    other.bytes[at + 1] = static_cast<std::byte>(half >> 8);
  };
  for (std::size_t at = 0; at < other.bytes.size(); at += static_cast<std::size_t>(block.block_bytes)) {
    const double jitter = 0.75 + static_cast<double>(bits() % 1024) / 2048;
    // Of the whole numbers below a scale, the standard deviation, and the mean that a minimum takes away.
    const auto [deviation, mean] = [type]() -> std::pair<double, double> {
      switch (type) {
        case DType::Q5_1:
          return {9.2, 15.5};
        case DType::Q4_K:  // a sixth scale of 6 bits is 31.5 on the average
          return {4.6 * 36, 7.5};
        case DType::Q5_K:
          return {9.2 * 36, 15.5};
        default:  // Q6_K, scales of 8 bits with a sign
          return {18.5 * 74, 0};
      }
    }();
    const double scale = 0.06 / deviation * jitter;
    put(at + (type == DType::Q6_K ? 208 : 0), scale);
    if (mean > 0) put(at + 2, type == DType::Q5_1 ? -scale * mean : scale * mean);
  }
  return other;
}

WholeModelCheck::Options short_texts() {
  WholeModelCheck::Options options;
  options.longest_text = 40;
  return options;
}

}  // namespace

TEST_CASE("a model of blocks passes, and every known mistake of its blocks is rejected by name") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("tiny"));
  for (const DType type : {DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0}) {
    const WholeModelCheck whole(checkpoint, short_texts());
    const StageReport right = whole.check(stage_with(type, {}), &find_stage(ladder(), "grouped"));
    INFO(to_text(right));
    CHECK(right.passed);
    REQUIRE(right.quantization);
    REQUIRE(right.quantization->weights);
    REQUIRE(right.quantization->activations);
    // What 4 bits do to weights is worse than what 8 do to activations; both move the logits by some percent.
    CHECK(right.quantization->weights->rms > 0.2 * right.quantization->activations->rms);
    CHECK(right.quantization->weights->rms < 0.3 * right.quantization->logits_rms);

    const Checkpoint blocks = checkpoint.with_weights(weights_as(type));
    WholeModelCheck::Options options = short_texts();
    options.activation_group = 32;
    options.stop_at_failure = true;
    const WholeModelCheck of_blocks(blocks, options);
    int rejected = 0;
    for (const ModelMistake& mistake : integer_mistakes()) {
      if (mistake.types.empty() || !applies(mistake, blocks)) continue;
      const StageReport report = of_blocks.check(
          oracle_stage_info({.mistake = &mistake, .rounding = NumberType::f32, .seed = 7}), nullptr);
      INFO(mistake.name << "\n" << to_text(report));
      CHECK_FALSE(report.passed);
      CHECK((report.matched ? report.matched->name : "") == mistake.name);
      ++rejected;
    }
    CHECK(rejected >= 2);
  }
}

TEST_CASE(
    "a model of the other block types passes, and every known mistake of its blocks is rejected by name") {
  // Rows of whole blocks of 256, some of more than one, which tiny's are not; blocks at random, since nothing here makes
  // Q5_1 or Q5_K.
  ModelConfig config = support::tiny_config();
  config.layers = 1;
  config.hidden = 512;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 64;
  config.feed_forward = 256;
  config.vocab = 64;
  const support::TemporaryDirectory directory;
  const auto path = directory.path() / "model.gguf";
  support::write_file(path, support::to_gguf(support::TinyModel(config)).bytes());
  const Checkpoint numbers = Checkpoint::open(path);
  for (const DType type : {DType::Q5_1, DType::Q4_K, DType::Q5_K, DType::Q6_K}) {
    std::mt19937 bits(1);
    const Checkpoint blocks =
        numbers.with_weights([&](const Tensor& tensor) { return random_blocks(tensor, type, bits); });
    const StageReport right =
        WholeModelCheck(blocks, short_texts()).check(stage_with(type, {}), &find_stage(ladder(), "grouped"));
    INFO(name(type) << "\n" << to_text(right));
    CHECK(right.passed);
    REQUIRE(right.quantization);
    REQUIRE(right.quantization->weights);
    CHECK(right.quantization->weights->most == 0);  // the file's own

    WholeModelCheck::Options options = short_texts();
    options.activation_group = 32;
    options.stop_at_failure = true;
    const WholeModelCheck of_blocks(blocks, options);
    int rejected = 0;
    for (const ModelMistake& mistake : integer_mistakes()) {
      if (mistake.types.empty() || !applies(mistake, blocks)) continue;
      const StageReport report = of_blocks.check(
          oracle_stage_info({.mistake = &mistake, .rounding = NumberType::f32, .seed = 7}), nullptr);
      INFO(mistake.name << "\n" << to_text(report));
      CHECK_FALSE(report.passed);
      CHECK((report.matched ? report.matched->name : "") == mistake.name);
      ++rejected;
    }
    CHECK(rejected >= (type == DType::Q6_K ? 2 : 3));
  }
}

TEST_CASE("int4 on files of blocks, with the rows of q and k in the file's order") {
  const support::TemporaryDirectory directory;
  for (const DType type : {DType::Q4_0, DType::Q5_0}) {
    const auto path = directory.path() / "blocks.gguf";
    quantize_model(Checkpoint::open(testing::model_path("tiny")), path, type);
    const Checkpoint checkpoint = Checkpoint::open(path);
    REQUIRE(checkpoint.tensor("layers.0.attention.q.weight").row_layout == RopeLayout::interleaved);
    const StageReport report = WholeModelCheck(checkpoint, short_texts())
                                   .check(find_stage(ladder(), "int4"), &find_stage(ladder(), "grouped"));
    INFO(to_text(report));
    CHECK(report.passed);
    REQUIRE(report.quantization);
    REQUIRE(report.quantization->weights);
    CHECK(report.quantization->weights->most == 0);  // the file's own
  }
}

TEST_CASE("activations that are cut off instead of rounded are rejected, by name") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("tiny"));
  const Around cuts = [](std::unique_ptr<Linear> right) {
    return std::make_unique<CutsInput>(std::move(right));
  };
  const StageReport report =
      WholeModelCheck(checkpoint, short_texts()).check(stage_with(DType::Q4_1, cuts), nullptr);
  INFO(to_text(report));
  CHECK_FALSE(report.passed);
  CHECK((report.matched ? report.matched->name : "") == "activations_cut");
}
