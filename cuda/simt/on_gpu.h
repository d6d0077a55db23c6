#pragma once

// rung::simt under nvcc: the same names as launch.h, stream.h and device_buffer.h, on CUDA's runtime. Every return code is
// checked and becomes an Error.

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "core/error.h"

namespace rung::simt {

namespace detail {

// nvcc cannot check {fmt}'s format strings while it compiles.
[[noreturn]] inline void fail(ErrorKind kind, const std::string& text) {
  throw Error(kind, fmt::runtime("{}"), text);
}

/// @throws Error naming what was done and CUDA's reason
inline void check(cudaError_t code, const std::string& what) {
  if (code != cudaSuccess) {
    fail(ErrorKind::bad_input, what + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")");
  }
}

}  // namespace detail

using stream_t = cudaStream_t;

/// How many blocks of how many threads, and what they get.
struct Launch {
  dim3 grid = 1, block = 1;
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
  stream_t stream = nullptr;
};

/// The block's dynamic shared memory, Launch::shared_bytes of it, aligned to 128 bytes.
template <typename T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(128) unsigned char rung_dynamic_shared[];
  return reinterpret_cast<T*>(rung_dynamic_shared);
}

/// Is told of each kernel that launch() queues: what times them. Nobody is, unless `launch_watcher` is set; of one thread,
/// for the default stream.
class LaunchWatcher {
 public:
  virtual ~LaunchWatcher() = default;
  virtual void before_launch() = 0;  ///< the kernel is queued next
  virtual void after_launch() = 0;   ///< it was queued
};
inline LaunchWatcher* launch_watcher = nullptr;

/// Queues a kernel. What goes wrong while it runs comes from whoever waits for it.
/// @throws Error that names the kernel
template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Launch& config, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "a kernel gets as many arguments as it has parameters");
  const std::string what = std::string("kernel ") + name;
  if (config.shared_bytes > 48 * 1024) {
    detail::check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       static_cast<int>(config.shared_bytes)),
                  what);
  }
  cudaLaunchConfig_t launch{};
  launch.gridDim = config.grid;
  launch.blockDim = config.block;
  launch.dynamicSmemBytes = config.shared_bytes;
  launch.stream = config.stream;
  if (launch_watcher != nullptr) launch_watcher->before_launch();
  detail::check(cudaLaunchKernelEx(&launch, kernel, static_cast<Parameters>(arguments)...), what);
  if (launch_watcher != nullptr) launch_watcher->after_launch();
}

/// On the CPU: how many OS threads run blocks. A GPU knows by itself.
inline void set_threads(unsigned) {}

/// A moment in a stream.
class event {
 public:
  event() { detail::check(cudaEventCreate(&event_), "making an event"); }
  ~event() { cudaEventDestroy(event_); }
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  /// The moment when everything that `stream` has now is done.
  void record(stream_t stream = nullptr) {
    detail::check(cudaEventRecord(event_, stream), "recording an event");
  }
  /// Waits for that moment; at once where nothing was recorded.
  void synchronize() { detail::check(cudaEventSynchronize(event_), "waiting for an event"); }
  /// The time from one moment to another; both must have been waited for.
  static float milliseconds(const event& from, const event& to) {
    float time = 0;
    detail::check(cudaEventElapsedTime(&time, from.event_, to.event_), "the time between two events");
    return time;
  }

 private:
  friend class stream;
  cudaEvent_t event_ = nullptr;
};

/// A queue of kernels. It does not wait for the default stream, nor that for it (cudaStreamNonBlocking).
class stream {
 public:
  stream() { detail::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  ~stream() { cudaStreamDestroy(stream_); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  operator stream_t() const { return stream_; }
  /// What comes after waits for the event as it was recorded last.
  void wait(const event& event) {
    detail::check(cudaStreamWaitEvent(stream_, event.event_, 0), "waiting for an event");
  }
  /// Waits until the stream is empty.
  void synchronize() { detail::check(cudaStreamSynchronize(stream_), "waiting for a stream"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Waits for all streams.
inline void synchronize() {
  detail::check(cudaDeviceSynchronize(), "waiting for the device");
}

/// `count` numbers in the device's memory, undefined until they are written.
template <typename T>
class device_buffer {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  /// @throws Error (full) when the device has no room for that many
  explicit device_buffer(std::size_t count) : count_(count) {
    cudaError_t code = cudaErrorMemoryAllocation;
    if (count <= std::size_t(-1) / sizeof(T)) code = cudaMalloc(&data_, count == 0 ? 1 : count * sizeof(T));
    if (code != cudaSuccess) {
      cudaGetLastError();  // it does not stick
      detail::fail(ErrorKind::full, "no room for a device buffer of " + std::to_string(count) +
                                        " elements of " + std::to_string(sizeof(T)) +
                                        " bytes: " + cudaGetErrorString(code));
    }
  }
  /// As many as there are values, and the values.
  explicit device_buffer(std::span<const T> values) : device_buffer(values.size()) { upload(values); }
  device_buffer(device_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  device_buffer& operator=(device_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  /// Waits for all streams first.
  ~device_buffer() { cudaFree(data_); }

  /// Where it begins. For kernels: the host must not read there.
  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return count_; }

  /// Writes all of it.
  /// @throws Error (usage) when there are not as many values as it holds
  void upload(std::span<const T> values) {
    check_size(values.size(), "upload to");
    detail::check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice),
                  "upload to a device buffer");
  }
  /// Reads all of it, after the kernels of the default stream.
  /// @throws Error (usage) when there is not room for as many values as it holds, or for more
  void download(std::span<T> values) const {
    check_size(values.size(), "download from");
    detail::check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost),
                  "download from a device buffer");
  }
  /// A copy of all of it.
  std::vector<T> download() const {
    std::vector<T> values(count_);
    download(std::span<T>(values.data(), values.size()));
    return values;
  }

 private:
  void check_size(std::size_t given, const char* what) const {
    if (given != count_) {
      detail::fail(ErrorKind::usage, std::string(what) + " a device buffer of " + std::to_string(count_) +
                                         " elements: " + std::to_string(given) + " were given");
    }
  }

  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace rung::simt
