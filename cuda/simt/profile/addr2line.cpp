#include "cuda/simt/profile/addr2line.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

extern char** environ;

namespace rung::simt::profiling {
namespace {

// It answers while it is still asked, so the questions must fit what the socket holds.
constexpr std::size_t most_at_once = 2000;

bool is_address(std::string_view row) {
  return row.starts_with("0x") && row.find(':') == std::string_view::npos;
}

}  // namespace

Addr2line::Addr2line() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  socket_.reset(fdopen(ends[0], "r"));
  std::string program = "addr2line", executable = fmt::format("/proc/{}/exe", getpid());
  std::string addresses = "-a", inlined = "-i", of = "-e";
  char* const arguments[] = {program.data(), addresses.data(),  inlined.data(),
                             of.data(),      executable.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;  // nobody waits for it: it ends when the socket is closed
  if (posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ) != 0) socket_.reset();
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
}

std::vector<std::string> Addr2line::ask(std::span<const std::uintptr_t> addresses) {
  std::vector<std::string> rows;
  char* text = nullptr;
  std::size_t capacity = 0;
  while (!addresses.empty() && socket_ != nullptr) {
    const auto some = addresses.first(std::min(addresses.size(), most_at_once));
    addresses = addresses.subspan(some.size());
    std::string question;
    for (const std::uintptr_t address : some) question += fmt::format("{:x}\n", address);
    question += "0\n";  // no code is there: the answer is two rows, the last ones
    if (send(fileno(socket_.get()), question.data(), question.size(), MSG_NOSIGNAL) < 0) break;
    for (bool last = false; !last;) {
      const ssize_t length = getline(&text, &capacity, socket_.get());
      if (length <= 0) {
        socket_.reset();
        break;
      }
      rows.emplace_back(text, static_cast<std::size_t>(length - 1));  // without the end of the line
      last = rows.size() > 1 && is_address(rows[rows.size() - 2]) &&
             std::strtoull(rows[rows.size() - 2].c_str(), nullptr, 16) == 0;
    }
    if (socket_ != nullptr) rows.resize(rows.size() - 2);
  }
  std::free(text);  // getline's
  return rows;
}

}  // namespace rung::simt::profiling
