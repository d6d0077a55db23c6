// A model that is decoded tensor by tensor is never in memory whole in both forms.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "chapters/04_transformer/parts.h"
#include "chapters/04_transformer/swiglu.h"
#include "chapters/08_quantization/integer_stages.h"
#include "chapters/08_quantization/synthetic_model.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/touched_pages.h"

namespace {

using namespace rung;
using namespace rung::support;

/// Four layers of 3 MB each as Q4_0.
ModelConfig four_layers() {
  ModelConfig config;
  config.family = "llama";
  config.layers = 4;
  config.hidden = 1024;
  config.heads = config.kv_heads = 8;
  config.head_dim = 128;
  config.feed_forward = 512;
  config.vocab = 512;
  config.context = 64;
  return config;
}

}  // namespace

TEST_CASE("what a stage has decoded of a file leaves its memory before the next tensor comes") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "model.gguf";
  synthesize_model("model", four_layers(), DType::Q4_0, 1, path);
  const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  const Checkpoint checkpoint = Checkpoint::open(path);
  std::int64_t most = 0;
  // A SwiGlu as parts_of() makes it, which looks at the file's memory each time.
  const MakeFeedForward looks = [&](const Checkpoint& of, std::int64_t layer, const MatrixParts& matrices) {
    const auto matrix = [&](const char* name) {
      auto linear = matrices.linear(of.tensor(fmt::format("layers.{}.feed_forward.{}.weight", layer, name)));
      most = std::max(most, resident_bytes(path));
      return linear;
    };
    auto gate = matrix("gate"), up = matrix("up"), down = matrix("down");
    return std::make_unique<SwiGlu>(std::move(gate), std::move(up), std::move(down));
  };
  SECTION("as fp32") {
    plain_parts(checkpoint, looks);
  }
  SECTION("as other blocks") {
    block_parts(checkpoint, IntegerWeights::int8, looks);
  }
  INFO(most << " of " << file_bytes << " bytes");
  CHECK(most < file_bytes / 4);
  CHECK(resident_bytes(path) < file_bytes / 50);
  // It is seen where it is there.
  const Matrix table = load_f32(checkpoint.tensor("embedding.weight"));
  CHECK(resident_bytes(path) > table.size() / 2);
}
