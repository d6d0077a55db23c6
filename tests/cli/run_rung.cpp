#include "tests/cli/run_rung.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

#include "tests/support/temporary_directory.h"

namespace rung::support {

namespace {

std::string read(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

Ran run_rung(const std::string& arguments) {
  const TemporaryDirectory folder;
  const auto out = folder.path() / "out";
  const auto err = folder.path() / "err";
  const std::string line = std::string("'") + RUNG_CLI + "' " + arguments + " >'" + out.string() + "' 2>'" +
                           err.string() + "' </dev/null";
  const int ended = std::system(line.c_str());
  Ran ran;
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
  ran.out = read(out);
  ran.err = read(err);
  return ran;
}

}  // namespace rung::support
