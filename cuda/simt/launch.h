#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda/simt/device_buffer.h"
#include "cuda/simt/launch_request.h"
#include "cuda/simt/stream.h"
#include "cuda/simt/vector_types.h"

// Launching kernels on the CPU. on_gpu.h has the same names for nvcc.

namespace rung::simt {

/// How many blocks of how many threads, and what they get.
struct Launch {
  dim3 grid = 1, block = 1;
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
  stream_t stream =
      nullptr;  ///< none: launch() returns when the kernel has run (on a GPU, when it is queued)
};

namespace detail {

/// A kernel and copies of its arguments.
template <typename... Parameters>
struct KernelCall {
  void (*kernel)(Parameters...);
  std::tuple<std::remove_cv_t<Parameters>...> arguments;

  // Reading the arguments is no access to the device's memory: a profiler's hooks stay out.
  __attribute__((no_sanitize("thread"))) static void enter(const void* self) {
    const auto& call = *static_cast<const KernelCall*>(self);
    call_kernel(call, std::index_sequence_for<Parameters...>{});
  }
  template <std::size_t... i>
  __attribute__((no_sanitize("thread"))) static void call_kernel(const KernelCall& call,
                                                                 std::index_sequence<i...>) {
    call.kernel(std::get<i>(call.arguments)...);
  }
};

}  // namespace detail

/// Runs a kernel, or queues it where `config` names a stream.
/// @param name  what reports call it
/// @throws Error that names the kernel: a limit of the device or of __launch_bounds__ is exceeded, or something went wrong
///         in the kernel (where a stream is named, the second comes from whoever waits for it)
template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Launch& config, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "a kernel gets as many arguments as it has parameters");
  using Call = detail::KernelCall<Parameters...>;
  auto request = [&](const Call& call) {
    return detail::LaunchRequest{name,
                                 reinterpret_cast<const void*>(kernel),
                                 config.grid,
                                 config.block,
                                 config.shared_bytes,
                                 &Call::enter,
                                 &call,
                                 sizeof(Call)};
  };
  if (config.stream == nullptr) {
    const Call call{kernel, {static_cast<Parameters>(arguments)...}};
    detail::run(request(call));
  } else {
    auto call = std::make_shared<const Call>(Call{kernel, {static_cast<Parameters>(arguments)...}});
    const detail::LaunchRequest queued = request(*call);
    detail::check_limits(queued);
    detail::enqueue(*config.stream, [call, queued] { detail::run(queued); });
  }
}

/// How many OS threads run blocks: the environment's RUNG_SIMT_THREADS, or as many as there are processors.
unsigned threads();
/// Sets it; 0 goes back to the above.
void set_threads(unsigned count);

}  // namespace rung::simt
