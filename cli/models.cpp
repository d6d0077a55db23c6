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

/// Everything that can be read from `descriptor`, up to a line's worth, and closes it.
std::string read_line_and_close(int descriptor) {
  std::string text;
  std::array<char, 512> buffer{};
  for (;;) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    if (text.size() < 2000) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
  ::close(descriptor);
  return text.substr(0, text.find('\n'));
}

/// Runs cli/fetch_smollm2.py, whose only argument is the file to make. It shows its progress on stderr and
/// says on its stdout, which we read, why it failed.
void fetch(const fs::path& file) {
  std::string python = "python3";
  std::string script = (fs::path(RUNG_SOURCE_DIR) / "cli" / "fetch_smollm2.py").string();
  std::string target = file.string();
  std::array<char*, 4> arguments = {python.data(), script.data(), target.data(), nullptr};

  std::array<int, 2> reason{};
  if (::pipe2(reason.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::bad_input, "smollm2: cannot make a pipe: {}", std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, reason[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, python.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(reason[1]);
  const std::string why = read_line_and_close(reason[0]);
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
        "smollm2 could not be fetched: {}; once that is mended run the command again, or use -m tiny, which "
        "needs no network",
        why.empty() ? "interrupted" : why);
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
