#include "cli/interruption.h"

#include <array>
#include <csignal>
#include <cstdlib>

namespace rung {

namespace {

constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};

// A signal's handler can reach nothing else.
volatile std::sig_atomic_t came = 0;

void remember(int signal) {
  came = signal;
}

}  // namespace

Interruption::Interruption() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : signals) {
    // What the program was started to ignore (nohup) stays ignored.
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(signal, &action, nullptr);
  }
  // A file that grows beyond the limit (ulimit -f) is an error that write() reports; without this it ends the program.
  file_too_large_ = std::signal(SIGXFSZ, SIG_IGN);
}

Interruption::~Interruption() {
  std::signal(SIGXFSZ, file_too_large_);
  for (const int signal : signals) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == remember) std::signal(signal, SIG_DFL);
  }
}

void Interruption::stop_if_asked() const {
  if (came != 0) throw Stopped();
}

void Interruption::end_by_signal() {
  std::raise(came);
  std::_Exit(128 + came);
}

}  // namespace rung
