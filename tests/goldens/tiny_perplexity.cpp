// models/tiny.gguf on text it has not seen, against what PyTorch made of it (python/train_tiny.py).

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/ladder.h"
#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"
#include "tests/support/models.h"

namespace {

using namespace rung;
using namespace rung::testing;

/// The perplexity of the blocks of int8 and int4, and by what share rounding activations may change it
/// (tests/golden/make_integer_goldens.py).
nlohmann::json integer_golden() {
  return nlohmann::json::parse(std::ifstream(golden_folder() / "integer_stages.json"));
}

nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(golden_folder() / "tiny_perplexity.json"));
}

/// exp of the mean over all tokens but the first of each window.
double perplexity(Stage& stage, std::span<const std::int32_t> ids, std::size_t window) {
  double sum = 0;
  std::size_t predicted = 0;
  for (std::size_t first = 0; first + 1 < ids.size(); first += window) {
    const auto part = ids.subspan(first, std::min(window, ids.size() - first));
    const Matrix logits = teacher_forced(stage, part.first(part.size() - 1), 0);
    for (std::size_t i = 0; i + 1 < part.size(); ++i) {
      const auto row = row_of(logits, static_cast<Eigen::Index>(i));
      sum += log_sum_exp(row) - row[static_cast<std::size_t>(part[i + 1])];  // -ln p of the next token
      ++predicted;
    }
  }
  return std::exp(sum / static_cast<double>(predicted));
}

}  // namespace

TEST_CASE("tiny: at most 2 MB") {
  CHECK(std::filesystem::file_size(tiny_path()) <= 2'000'000);
}

TEST_CASE("tiny: its held-out text has the tokens that Hugging Face's tokenizers gives") {
  const Checkpoint checkpoint = Checkpoint::open(tiny_path());
  const Tokenizer tokenizer(checkpoint.tokenizer());
  std::ifstream file(std::filesystem::path(RUNG_SOURCE_DIR) / "models/tiny_heldout.txt");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto ids = golden().at("ids").get<std::vector<std::int32_t>>();
  CHECK(tokenizer.encode(text) == ids);
  CHECK(tokenizer.decode(ids) == text);
}

TEST_CASE("tiny: every stage has the perplexity of PyTorch and clearly beats bigrams") {
  const auto expected = golden();
  const auto ids = expected.at("ids").get<std::vector<std::int32_t>>();
  const auto window = expected.at("window").get<std::size_t>();
  const double torch = expected.at("excerpt").at("model_perplexity").get<double>();
  const double bigram = expected.at("excerpt").at("bigram_perplexity").get<double>();
  const Checkpoint checkpoint = Checkpoint::open(tiny_path());
  for (const StageInfo& info : ladder()) {
    const double found = perplexity(*info.make(checkpoint, {}), ids, window);
    INFO("stage " << info.name << ": " << found << ", PyTorch " << torch << ", bigrams " << bigram);
    if (!info.weights) {
      CHECK(std::abs(found - torch) <= 1e-5 * torch);
    } else {  // of the same blocks in PyTorch; activations rounded to int8 may move it by what that does there
      // Of a dense model a stage for mixtures holds the blocks that int4 holds.
      const auto blocks = integer_golden().at(info.name == "moe_int4" ? "int4" : info.name);
      const auto expected_of_blocks = blocks.at("perplexity").get<double>();
      INFO("of these blocks, in PyTorch: " << expected_of_blocks);
      CHECK(std::abs(found - expected_of_blocks) <= blocks.at("budget").get<double>() * expected_of_blocks);
    }
    CHECK(found < 0.75 * bigram);
  }
}
