#include "cuda/simt/crash.h"

#include <cstdint>
#include <memory>

#include <unwind.h>

#include "cuda/simt/executor.h"

namespace rung::simt::detail {

namespace {

constexpr int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t signal_count = std::size(signals);
struct sigaction before[signal_count];

void handle(int signal, siginfo_t* facts, void*) {
  if (worker == nullptr || current == nullptr) {
    // Not a kernel's. The instruction runs once more when we return, and the signal finds who was there before us.
    for (std::size_t i = 0; i < signal_count; ++i) {
      if (signals[i] == signal) sigaction(signal, &before[i], nullptr);
    }
    return;
  }
  Crash crash;
  crash.signal = signal;
  crash.address = facts->si_addr;
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* out) {
        auto& seen = *static_cast<Crash*>(out);
        int before_instruction = 0;
        std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
        if (before_instruction == 0 && address != 0) --address;  // a return address: the call is before it
        if (seen.frame_count < Crash::most_frames) {
          seen.frames[seen.frame_count++] = reinterpret_cast<const void*>(address);
        }
        return seen.frame_count < Crash::most_frames ? _URC_NO_REASON : _URC_END_OF_STACK;
      },
      &crash);
  worker->leave_crashed(crash);
}

}  // namespace

CrashHandlers::CrashHandlers() {
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags =
      SA_SIGINFO | SA_ONSTACK | SA_NODEFER;  // the handler does not return: nothing may stay blocked
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signal_count; ++i) sigaction(signals[i], &action, &before[i]);
}

CrashHandlers::~CrashHandlers() {
  for (std::size_t i = 0; i < signal_count; ++i) sigaction(signals[i], &before[i], nullptr);
}

HandlerStack::HandlerStack() {
  constexpr std::size_t bytes = std::size_t{64} << 10;
  static thread_local const std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes]);
  stack_t own{};
  own.ss_sp = memory.get();
  own.ss_size = bytes;
  sigaltstack(&own, &before_);
}

HandlerStack::~HandlerStack() {
  sigaltstack(&before_, nullptr);
}

const char* signal_text(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "segmentation fault";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "arithmetic error";
    default:
      return "illegal instruction";
  }
}

}  // namespace rung::simt::detail
