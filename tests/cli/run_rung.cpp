#include "tests/cli/run_rung.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

#include "tests/catch.h"
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
  const std::string line = std::string("'") + RUNG_CLI + "' >'" + out.string() + "' 2>'" + err.string() +
                           "' </dev/null " + arguments;
  const int ended = std::system(line.c_str());
  Ran ran;
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
  ran.out = read(out);
  ran.err = read(err);
  return ran;
}

void refuses(const std::string& arguments, int status, const std::string& word) {
  const auto ran = run_rung(arguments);
  INFO("rung " << arguments << "\nstatus " << ran.status << "\nstdout: " << ran.out
               << "\nstderr: " << ran.err);
  CHECK(ran.status == status);
  CHECK(ran.out.empty());
  CHECK(std::ranges::count(ran.err, '\n') == 1);
  CHECK(ran.err.find(word) != std::string::npos);
}

}  // namespace rung::support
