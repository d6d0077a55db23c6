// ./rung perplexity, against llama.cpp's numbers on the same text by the same convention.

#include <cmath>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using nlohmann::json;
using rung::support::refuses;
using rung::support::run_rung;

namespace {

const std::string text = RUNG_SOURCE_DIR "/models/tiny_heldout.txt";

json measured(const std::string& arguments) {
  const auto ran = run_rung("perplexity " + arguments + " --json");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  return json::parse(ran.out);
}

json llama_cpp(const std::string& model) {
  const json golden = json::parse(std::ifstream(RUNG_SOURCE_DIR "/tests/golden/perplexity.json"));
  for (const json& one : golden.at("models")) {
    if (one.at("model").get<std::string>() == model) return one;
  }
  FAIL("no golden of " << model);
  return {};
}

void agrees(const json& found, const json& expected) {
  CHECK(found.at("convention") == "chunks");
  CHECK(found.at("context") == 512);
  CHECK(found.at("tokens") == expected.at("tokens"));
  CHECK(found.at("windows") == expected.at("chunks"));
  CHECK(found.at("scored") == expected.at("scored"));
  CHECK(found.at("bos").is_null() != expected.at("add_bos").get<bool>());
  const auto near = [&](const char* what, double one, double other) {
    INFO(what << ": " << one << ", llama.cpp " << other);
    CHECK(std::abs(one - other) <= 0.005 * other);
  };
  near("perplexity", found.at("perplexity").at("value"), expected.at("perplexity"));
  near("standard error", found.at("perplexity").at("standard_error"), expected.at("standard_error"));
}

}  // namespace

TEST_CASE("perplexity of tiny is llama.cpp's") {
  agrees(measured("tiny " + text), llama_cpp("tiny.gguf"));
}

TEST_CASE("perplexity of smollm2 is llama.cpp's") {
  agrees(measured("smollm2 " + text), llama_cpp("SmolLM2-135M-Instruct.Q4_1.gguf"));
}

TEST_CASE("strided windows score more tokens, with more before them") {
  const json chunks = measured("tiny " + text + " --context 64 --chunks 8");
  const json strided = measured("tiny " + text + " --context 64 --stride 16 --chunks 8");
  CHECK(chunks.at("scored") == 8 * 31);
  CHECK(strided.at("convention") == "strided");
  CHECK(strided.at("scored") == 63 + 7 * 16);
  CHECK(strided.at("perplexity").at("value") != chunks.at("perplexity").at("value"));
}

TEST_CASE("against a stage that is right nothing is lost, and against a wrong one it shows where") {
  const std::string few = "tiny " + text + " --context 64 --chunks 2";
  const json same = measured(few + " --against recompute").at("against");
  CHECK(same.at("stage") == "recompute");
  CHECK(same.at("kl_divergence").at("value") < 1e-8);
  CHECK(same.at("same_top") == 1.0);
  CHECK(std::abs(same.at("log_ratio").at("value").get<double>()) < 1e-5);

  const json wrong = measured(few + " --stage rope_interleaved --against kv_cache --worst 3").at("against");
  CHECK(wrong.at("kl_divergence").at("value") > 0.1);
  CHECK(wrong.at("log_ratio").at("value") > 0.1);
  CHECK(wrong.at("same_top") < 0.9);
  const json& worst = wrong.at("worst");
  REQUIRE(worst.size() == 3);
  CHECK(worst[0].at("kl_divergence") == wrong.at("largest_kl_divergence"));
  CHECK(worst[0].at("kl_divergence") >= worst[1].at("kl_divergence"));
  CHECK(worst[1].at("kl_divergence") >= worst[2].at("kl_divergence"));
  // The text before the position, as it is in the file.
  std::ifstream file(text);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  for (const json& one : worst) {
    CHECK(all.find(one.at("before").get<std::string>() + one.at("piece").get<std::string>()) !=
          std::string::npos);
  }

  const auto people = run_rung("perplexity " + few + " --stage rope_interleaved --against kv_cache");
  CHECK(people.status == 0);
  CHECK(people.out.find("KL divergence") != std::string::npos);
  CHECK(people.out.find("judged \"") != std::string::npos);
}

TEST_CASE("perplexity with shorter keys and values is off by what they lose, int8 by more than fp16") {
  const std::string few = "tiny " + text + " --context 64 --chunks 2 --against grouped --stage grouped";
  const json exact = measured(few);
  CHECK(exact.at("kv") == "f32");
  CHECK(exact.at("against").at("kl_divergence").at("value") == 0.0);
  double before = 0;
  for (const std::string kv : {"f16", "int8"}) {
    const json shorter = measured(few + " --kv " + kv);
    CHECK(shorter.at("kv") == kv);
    const auto divergence = shorter.at("against").at("kl_divergence").at("value").get<double>();
    INFO(kv << " " << divergence);
    CHECK(divergence > 5 * before);
    CHECK(divergence > 0);
    CHECK(divergence < 0.01);
    before = divergence;
  }
  CHECK(run_rung("perplexity " + few + " --kv int8").out.find("keys and values as int8") !=
        std::string::npos);
  refuses("perplexity tiny " + text + " --kv int8", 2, "--stage grouped");  // kv_cache stores fp32 alone
  refuses("perplexity " + few + " --kv int4", 2, "--kv");
}

TEST_CASE("against another model: it has to read the same tokens") {
  const std::string few = "tiny " + text + " --context 64 --chunks 1";
  CHECK(measured(few + " --against " RUNG_SOURCE_DIR "/models/tiny.gguf")
            .at("against")
            .at("kl_divergence")
            .at("value") == 0.0);
  CHECK(measured(few + " --against tiny --against-stage recompute").at("against").at("stage") == "recompute");
  const rung::support::TemporaryDirectory folder;
  const auto other = folder.path() / "abc.gguf";
  rung::support::write_file(other, rung::support::to_gguf(rung::support::TinyModel()).bytes());
  refuses("perplexity " + few + " --against " + other.string(), 1, "other tokens");
  refuses("perplexity " + few + " --against nonsense", 2, "--against");
  refuses("perplexity " + few + " --against recompute --against-stage kv_cache", 2, "--against-stage");
  refuses("perplexity " + few + " --against-stage kv_cache", 2, "--against-stage");
}

TEST_CASE("perplexity refuses what it cannot measure, in one line") {
  const rung::support::TemporaryDirectory folder;
  const auto shorter = folder.path() / "short.txt";
  rung::support::write_file(shorter, std::string("In the beginning God created the heaven and the earth.\n"));
  refuses("perplexity tiny " + shorter.string(), 1, "512 are needed");
  CHECK(run_rung("perplexity tiny " + shorter.string() + " --context 8").status == 0);
  const auto empty = folder.path() / "empty.txt";
  rung::support::write_file(empty, std::string());
  refuses("perplexity tiny " + empty.string(), 1, "empty");
  refuses("perplexity tiny " + (folder.path() / "none.txt").string(), 1, "none.txt");
  refuses("perplexity tiny " + folder.path().string(), 1, "regular file");
  refuses("perplexity nonsense " + text, 2, "nonsense");
  refuses("perplexity tiny " + text + " --stage nonsense", 2, "--stage");
  refuses("perplexity tiny " + text + " --context 513", 2, "--context");
  refuses("perplexity tiny " + text + " --context 3", 2, "--context");
  refuses("perplexity tiny " + text + " --stride 512", 2, "--stride");
  refuses("perplexity tiny " + text + " --stride 0", 2, "--stride");
  refuses("perplexity tiny " + text + " --chunks 0", 2, "--chunks");
  refuses("perplexity tiny", 2, "text");
}
