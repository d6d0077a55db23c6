#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/wait.h>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using rung::support::Ran;
using rung::support::refuses;
using rung::support::run_rung;
namespace fs = std::filesystem;

namespace {

std::ptrdiff_t files_in(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

}  // namespace

TEST_CASE("quantize writes a model that generate reads, and prints its bits per weight") {
  const rung::support::TemporaryDirectory folder;
  const std::string out = (folder.path() / "q8.gguf").string();
  const Ran ran = run_rung("quantize tiny " + out + " --type Q8_0");
  CHECK(ran.status == 0);
  CHECK(ran.out.find("Q8_0") != std::string::npos);
  CHECK(ran.out.find("8.5000") != std::string::npos);
  CHECK(ran.err.find(out) != std::string::npos);
  CHECK(files_in(folder.path()) == 1);
  const Ran text = run_rung("generate 'And God said' -n 8 --temperature 0 -m " + out);
  CHECK(text.status == 0);
  CHECK(text.out == run_rung("generate 'And God said' -n 8 --temperature 0 -m tiny").out);
}

TEST_CASE("quantize tells what rows of 128 become, and that weights were quantised before") {
  const rung::support::TemporaryDirectory folder;
  const std::string once = (folder.path() / "once.gguf").string();
  const Ran first = run_rung("quantize tiny " + once + " --type q4_k");
  CHECK(first.status == 0);
  CHECK(first.out.find("Q5_0") != std::string::npos);
  CHECK(first.out.find("5.5000") != std::string::npos);
  CHECK(first.err.find("already") == std::string::npos);
  const Ran second =
      run_rung("quantize " + once + " " + (folder.path() / "twice.gguf").string() + " --type q4_0");
  CHECK(second.status == 0);
  CHECK(second.err.find("Q5_0 already") != std::string::npos);
}

TEST_CASE("quantize neither writes over what it reads nor over what is there") {
  const rung::support::TemporaryDirectory folder;
  const std::string model = (folder.path() / "model.gguf").string();
  CHECK(run_rung("quantize tiny " + model + " --type f16").status == 0);
  refuses("quantize " + model + " " + model + " --force", 2, "read from");
  fs::create_symlink(model, folder.path() / "link.gguf");
  refuses("quantize " + model + " " + (folder.path() / "link.gguf").string() + " --force", 2, "read from");
  const auto size = fs::file_size(model);
  refuses("quantize tiny " + model, 2, "--force");
  CHECK(fs::file_size(model) == size);
  CHECK(run_rung("quantize tiny " + model + " --type q8_0 --force").status == 0);
  CHECK(fs::file_size(model) < size);
}

TEST_CASE("quantize refuses what it cannot do, in one line, and leaves nothing") {
  const rung::support::TemporaryDirectory folder;
  const std::string out = (folder.path() / "out.gguf").string();
  refuses("quantize tiny " + out + " --type q3_k", 2, "q8_0");
  refuses("quantize tiny " + folder.path().string(), 2, "directory");
  refuses("quantize tiny ''", 2, "out: expected a name");
  refuses("quantize tiny", 2, "out");
  refuses("quantize nonsense " + out, 2, "nonsense");
  refuses("quantize tiny " + (folder.path() / "no" / "out.gguf").string(), 1, "cannot write");
  refuses("quantize tiny /dev/full", 1, "cannot write");
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("quantize refuses a directory of experts that is no mixture, and leaves nothing") {
  using namespace rung::support;
  const TemporaryDirectory folder;
  const fs::path model = folder.path() / "model";
  fs::create_directory(model);
  const TinyModel tiny(tiny_mixture_config());
  const auto refused = [&](const nlohmann::json& config, const SafetensorsFile& weights,
                           const std::string& word) {
    write_huggingface(model, config, weights);
    refuses("quantize " + model.string() + " " + (folder.path() / "out.gguf").string() + " --type f16", 1,
            word);
    CHECK(files_in(folder.path()) == 1);
  };
  SafetensorsFile without_one = to_safetensors(tiny);
  without_one.remove_tensor("model.layers.1.block_sparse_moe.experts.2.w3.weight");
  refused(to_config_json(tiny), without_one, "experts.2.w3.weight is missing");
  nlohmann::json config = to_config_json(tiny);
  config["num_experts_per_tok"] = 5;
  refused(config, to_safetensors(tiny), "number of experts used: expected 1 to 4, found 5");
  config = to_config_json(tiny);
  config["num_local_experts"] = 0;
  refused(config, to_safetensors(tiny), "number of experts: expected 1 to 4096, found 0");
  // Nothing else is wrong with it.
  write_huggingface(model, to_config_json(tiny), to_safetensors(tiny));
  CHECK(run_rung("quantize " + model.string() + " " + (folder.path() / "out.gguf").string() + " --type f16")
            .status == 0);
}

TEST_CASE("quantize leaves nothing when it is ended by SIGTERM") {
  const rung::support::TemporaryDirectory folder;
  const std::string large = (folder.path() / "large.gguf").string();
  // Wide enough that searching for the scales of Q4_K takes seconds.
  REQUIRE(run_rung("synthesize llama2-7b " + large + " --layers 1 --shrink 4 --type q8_0").status == 0);
  REQUIRE(files_in(folder.path()) == 1);
  // As soon as something of the new file is there, the signal comes.
  const std::string line =
      "cd '" + folder.path().string() + "' || exit 99; '" + RUNG_CLI +
      "' quantize large.gguf out.gguf --type q4_k >/dev/null 2>&1 </dev/null & program=$!; tries=0; "
      "while [ $(ls -A | wc -l) -lt 2 ] && [ $tries -lt 600 ]; do sleep 0.05; tries=$((tries + 1)); done; "
      "kill -TERM $program; wait $program; exit $?";
  const int ended = std::system(line.c_str());
  REQUIRE(WIFEXITED(ended));
  CHECK(WEXITSTATUS(ended) == 128 + SIGTERM);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("quantize leaves nothing when files may not be as large, and says so") {
  const rung::support::TemporaryDirectory folder;
  const std::string errors = (folder.path() / "errors").string();
  // 200 blocks of 512 bytes or of 1024, by the shell: tiny is far larger in either.
  const std::string line = std::string("ulimit -f 200; '") + RUNG_CLI + "' quantize tiny '" +
                           (folder.path() / "out.gguf").string() + "' --type f16 >/dev/null 2>'" + errors +
                           "' </dev/null";
  const int ended = std::system(line.c_str());
  REQUIRE(WIFEXITED(ended));
  CHECK(WEXITSTATUS(ended) == 1);
  std::ostringstream text;
  text << std::ifstream(errors).rdbuf();
  const std::string said = text.str();
  INFO(said);
  CHECK(said.find("out.gguf: cannot write") != std::string::npos);
  CHECK(files_in(folder.path()) == 1);  // what it said
}
