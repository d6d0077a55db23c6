// The process that runs somebody's kernel: loads the shared library named on its command line and calls what
// the harness asks for, so that a crash, a hang or a wild write happens here and not in the harness.
//
//   rung-candidate-host LIBRARY SOCKET ARENA          (the last two are inherited file descriptors)

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "core/check/abi.h"
#include "core/check/candidate_protocol.h"

// Under the address sanitizer: a candidate's crash shall stay a signal, and its leaks are its own business.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:detect_leaks=0";
}

namespace {

using namespace rung::check;

constexpr std::uint64_t no_mans_land = std::uint64_t{1} << 30;  // addresses, not memory

void say(Hello& hello, const std::string& error) {
  std::copy_n(error.begin(), std::min(error.size(), hello.error.size() - 1), hello.error.begin());
}

Hello load(const char* path, std::array<void*, abi_ops.size()>& functions) {
  Hello hello;
  void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    say(hello, ::dlerror());
    return hello;
  }
  hello.loaded = 1;
  if (auto* const version = reinterpret_cast<rung_abi_version_fn*>(::dlsym(library, "rung_abi_version"))) {
    hello.has_version = 1;
    hello.version = version();
  }
  for (std::size_t i = 0; i < abi_ops.size(); ++i) {
    functions[i] = ::dlsym(library, ("rung_" + std::string(abi_ops[i])).c_str());
    if (functions[i] != nullptr) hello.ops |= 1u << i;
  }
  return hello;
}

/// Calls a function of abi.h by its own type.
template <typename Arguments>
std::int32_t call_as(void* function, const unsigned char* bytes) {
  Arguments arguments;
  std::memcpy(&arguments, bytes, sizeof arguments);
  return reinterpret_cast<std::int32_t (*)(const Arguments*)>(function)(&arguments);
}

std::int32_t call(std::uint32_t op, void* function, const unsigned char* arguments) {
  switch (op) {
    case 0:
      return call_as<rung_rmsnorm_args>(function, arguments);
    case 1:
      return call_as<rung_rope_args>(function, arguments);
    case 2:
      return call_as<rung_softmax_args>(function, arguments);
    case 3:
      return call_as<rung_attention_args>(function, arguments);
    case 4:
      return call_as<rung_swiglu_args>(function, arguments);
    case 5:
      return call_as<rung_linear_args>(function, arguments);
    default:
      return RUNG_FAILED;
  }
}

/// Maps the arena in front of a gigabyte that nobody may touch: what is written far past it is a crash, and
/// not a change of whatever happens to lie there.
/// @return null when that fails
unsigned char* map_arena(int file, std::uint64_t bytes) {
  void* const reserved =
      ::mmap(nullptr, bytes + no_mans_land, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return nullptr;
  void* const mapped = ::mmap(reserved, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<unsigned char*>(mapped);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int socket = std::atoi(argv[2]);
  const int arena_file = std::atoi(argv[3]);
  // When the harness goes, so does a kernel that hangs. A crash is expected: no core file.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);

  std::array<void*, abi_ops.size()> functions{};
  const Hello hello = load(argv[1], functions);
  if (::send(socket, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) return 2;

  unsigned char* arena = nullptr;
  std::uint64_t arena_bytes = 0;
  Request request;
  while (::recv(socket, &request, sizeof request, 0) == sizeof request) {
    if (request.arena_bytes != arena_bytes) {
      if (arena != nullptr) ::munmap(arena, arena_bytes + no_mans_land);
      arena = map_arena(arena_file, request.arena_bytes);
      if (arena == nullptr) return 2;
      arena_bytes = request.arena_bytes;
    }
    for (std::uint32_t i = 0; i < request.pointers; ++i) {
      unsigned char* const at = request.arguments.data() + request.pointer_at[i];
      std::uint64_t offset = 0;
      std::memcpy(&offset, at, sizeof offset);
      unsigned char* const pointer = arena + offset;
      std::memcpy(at, &pointer, sizeof pointer);
    }
    const Reply reply{call(request.op, functions.at(request.op), request.arguments.data())};
    if (::send(socket, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return 2;
  }
  // Without the library's destructors: what they do is no part of the check.
  std::_Exit(0);
}
