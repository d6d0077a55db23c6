#include "tests/cli/run_rung.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

namespace rung::test {

namespace {

std::string take(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  std::filesystem::remove(file);
  return text.str();
}

}  // namespace

Ran run_rung(const std::string& arguments) {
  std::string folder = (std::filesystem::temp_directory_path() / "rung-cli-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return {.status = -1, .out = "", .err = "no temporary folder"};
  const std::filesystem::path out = std::filesystem::path(folder) / "out";
  const std::filesystem::path err = std::filesystem::path(folder) / "err";
  const std::string line = std::string("'") + RUNG_CLI + "' " + arguments + " >'" + out.string() + "' 2>'" +
                           err.string() + "' </dev/null";
  const int ended = std::system(line.c_str());
  Ran ran;
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
  ran.out = take(out);
  ran.err = take(err);
  std::filesystem::remove(folder);
  return ran;
}

}  // namespace rung::test
