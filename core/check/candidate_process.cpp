#include "core/check/candidate_process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

extern char** environ;

namespace rung::check {
namespace {

namespace fs = std::filesystem;

constexpr int most_crashes = 3;

[[noreturn]] void system_failed(const char* what) {
  throw Error(ErrorKind::bad_input, "cannot run a candidate library: {}: {}", what, std::strerror(errno));
}

/// The status of a child that is ending, or has only closed its end of the socket: it gets a second, then it
/// is killed with all that it started, and there is none.
std::optional<int> end_of(pid_t child) {
  int status = 0;
  for (int tries = 0; tries < 100; ++tries) {
    if (::waitpid(child, &status, WNOHANG) == child) {
      ::kill(-child, SIGKILL);
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(-child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

}  // namespace

CandidateProcess::CandidateProcess(fs::path library, double timeout_seconds)
    : library_(fs::absolute(library)), timeout_seconds_(timeout_seconds) {}

CandidateProcess::~CandidateProcess() {
  stop();
  if (arena_ != nullptr) ::munmap(arena_, arena_bytes_);
  if (arena_file_ >= 0) ::close(arena_file_);
}

std::span<std::byte> CandidateProcess::arena(std::size_t bytes) {
  if (arena_file_ < 0) {
    arena_file_ = ::memfd_create("rung-candidate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (arena_file_ < 0) system_failed("memfd_create");
    // The candidate holds it too: cut short by it, our next look at the results would end us.
    if (::fcntl(arena_file_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) system_failed("F_ADD_SEALS");
  }
  if (bytes > arena_bytes_) {
    if (arena_ != nullptr) ::munmap(arena_, arena_bytes_);
    arena_ = nullptr;
    arena_bytes_ = 0;
    constexpr std::size_t step = std::size_t{1} << 20;  // grow rarely
    const std::size_t rounded = (bytes + step - 1) / step * step;
    if (::ftruncate(arena_file_, static_cast<off_t>(rounded)) != 0)
      system_failed("ftruncate of shared memory");
    void* const mapped = ::mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_SHARED, arena_file_, 0);
    if (mapped == MAP_FAILED) system_failed("mmap of shared memory");
    arena_ = static_cast<std::byte*>(mapped);
    arena_bytes_ = rounded;
  }
  return {arena_, arena_bytes_};
}

void CandidateProcess::start() {
  arena(1);  // the host inherits its descriptor
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    system_failed("socketpair");

  std::string host = RUNG_CANDIDATE_HOST;
  std::string library = library_.string();
  std::string socket_number = std::to_string(sockets[1]);
  std::string arena_number = std::to_string(arena_file_);
  const std::array<char*, 5> arguments{host.data(), library.data(), socket_number.data(), arena_number.data(),
                                       nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Onto itself: only makes a descriptor one that the new program keeps.
  posix_spawn_file_actions_adddup2(&actions, sockets[1], sockets[1]);
  posix_spawn_file_actions_adddup2(&actions, arena_file_, arena_file_);
  // Stdout belongs to the report; what a candidate prints is a note.
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // A process group of its own, so that what a candidate forks ends with it.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int failure = ::posix_spawn(&child_, host.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(sockets[1]);
  socket_ = sockets[0];
  if (failure != 0) {
    child_ = -1;
    stop();
    throw Error(ErrorKind::bad_input, "{}: cannot be started: {}; it is built together with rung", host,
                std::strerror(failure));
  }
  hello_ = receive<Hello>("while it was loaded");
  if (hello_.loaded == 0) {
    const std::string why = hello_.error.data();
    stop();
    throw Error(ErrorKind::bad_input, "{}: cannot be loaded: {}", library_.string(), why);
  }
}

void CandidateProcess::stop() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  if (child_ >= 0) {
    ::kill(child_, SIGKILL);  // it may be anywhere by now, and holds nothing worth an orderly end
    end_of(std::exchange(child_, -1));
  }
}

const Hello& CandidateProcess::hello() {
  if (!given_up_.empty()) throw Error(ErrorKind::bad_input, "{}", given_up_);
  if (child_ < 0) start();
  return hello_;
}

void CandidateProcess::died(const std::string& where) {
  const std::optional<int> status = end_of(std::exchange(child_, -1));
  stop();
  std::string how;
  if (!status) {
    how = "closed the connection to the harness and went on; it was stopped";
  } else if (WIFSIGNALED(*status)) {
    how = fmt::format("crashed with signal {} ({})", WTERMSIG(*status), ::strsignal(WTERMSIG(*status)));
  } else {
    how = fmt::format("ended its process with exit status {}", WEXITSTATUS(*status));
  }
  if (++crashes_ >= most_crashes) {
    given_up_ =
        fmt::format("{} was not run: it crashed {} times before", library_.filename().string(), crashes_);
  }
  throw Error(ErrorKind::bad_input, "{} {} {}", library_.filename().string(), how, where);
}

template <typename Message>
Message CandidateProcess::receive(const std::string& where) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_seconds_);
  pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
  int found = 0;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    found = ::poll(&ready, 1, left > 0 ? static_cast<int>(left) : 0);
  } while (found < 0 && errno == EINTR);
  if (found == 0) {
    stop();
    given_up_ =
        fmt::format("{} was not run: it did not return from an earlier call", library_.filename().string());
    throw Error(ErrorKind::bad_input,
                "{} did not return within {} s {} and was stopped; --timeout gives it longer",
                library_.filename().string(), timeout_seconds_, where);
  }
  Message message;
  if (::recv(socket_, &message, sizeof message, 0) != sizeof message) died(where);
  return message;
}

std::int32_t CandidateProcess::call(Request request, const std::string& where) {
  hello();
  request.arena_bytes = arena_bytes_;
  if (::send(socket_, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) died(where);
  return receive<Reply>(where).result;
}

}  // namespace rung::check
