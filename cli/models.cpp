#include "cli/models.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

extern char** environ;

namespace rung {
namespace {

namespace fs = std::filesystem;

constexpr const char* smollm2_file = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// Where fetched files are kept: $XDG_CACHE_HOME/rung, or ~/.cache/rung.
fs::path cache_directory() {
  const char* const xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') {  // the specification says: ignore a relative one
    return fs::path(xdg) / "rung";
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    throw Error(
        ErrorKind::bad_input,
        "smollm2: neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to keep it in; "
        "set one, or use -m tiny");
  }
  return fs::path(home) / ".cache" / "rung";
}

/// Whether `file` is still the one whose SHA-256 was verified. Hashing 98 MB at every start would cost a
/// third of a second, so the verification leaves a stamp with the size and the modification time beside the
/// file; the hash is computed again whenever they differ. The stamp's format is that of cli/fetch_smollm2.py.
bool is_verified(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return false;
  }
  std::ifstream stamp(file.string() + ".verified");
  long long size = -1;
  long long seconds = -1;
  long long nanoseconds = -1;
  stamp >> size >> seconds >> nanoseconds;
  return stamp && size == status.st_size && seconds == status.st_mtim.tv_sec &&
         nanoseconds == status.st_mtim.tv_nsec;
}

/// Runs cli/fetch_smollm2.py, whose only argument is the file to make. Its notes go to stderr, as ours do.
void fetch(const fs::path& file) {
  const fs::path script = fs::path(RUNG_SOURCE_DIR) / "cli" / "fetch_smollm2.py";
  std::string python = "python3";
  std::string script_argument = script.string();
  std::string file_argument = file.string();
  std::array<char*, 4> arguments = {python.data(), script_argument.data(), file_argument.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Stdout belongs to the command's own result.
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, python.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(
        ErrorKind::bad_input,
        "smollm2: fetching it needs python3, which did not start ({}); ./rung doctor says how to get it, or "
        "use -m tiny",
        std::strerror(failure));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(
        ErrorKind::bad_input,
        "smollm2 could not be fetched (the reason stands above); once online, run the command again, or use "
        "-m tiny, which is in the repository");
  }
}

}  // namespace

fs::path resolve_model(const std::string& name) {
  if (name == "tiny") {
    return fs::path(RUNG_SOURCE_DIR) / "models" / "tiny.gguf";
  }
  if (name == "smollm2") {
    const fs::path file = cache_directory() / smollm2_file;
    if (!is_verified(file)) {
      fetch(file);
    }
    return file;
  }
  std::error_code unreadable;
  if (name.empty() || !fs::exists(name, unreadable)) {
    throw Error(
        ErrorKind::usage,
        "model '{}': there is no such file, directory or known name; known names are smollm2 and tiny, "
        "anything else is a path to a GGUF file or a Hugging Face directory",
        name);
  }
  return name;
}

}  // namespace rung
