#include <filesystem>
#include <iterator>
#include <string>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"

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
