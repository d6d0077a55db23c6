// The GPU of this machine, for `./rung bench --gpu`. Compiled with nvcc; not run on a GPU so far.

#include <algorithm>
#include <string>
#include <vector>

#include "cuda/bench/cublas.h"
#include "cuda/bench/device.h"
#include "cuda/simt/simt.h"

#if __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
// What cublas.cpp says by number.
static_assert(CUBLAS_OP_T == 1 && CUBLAS_OP_N == 0 && CUBLAS_COMPUTE_32F == 68 && CUBLAS_GEMM_DEFAULT == -1);
static_assert(CUDA_R_32F == 0 && CUDA_R_16F == 2 && CUDA_R_16BF == 14);
#endif

namespace rung::cuda {
namespace {

constexpr int bandwidth_threads = 256;
constexpr int blocks_per_sm = 8;

/// Every thread copies 16 bytes at a time, neighbours side by side.
__global__ void __launch_bounds__(bandwidth_threads)
    copy_kernel(uint4* to, const uint4* from, std::size_t count) {
  const std::size_t stride = std::size_t(gridDim.x) * bandwidth_threads;
  for (std::size_t i = std::size_t(blockIdx.x) * bandwidth_threads + threadIdx.x; i < count; i += stride)
    to[i] = from[i];
}

/// Reads everything; writes where the numbers come out as nobody puts them there, so that nothing is left out.
__global__ void __launch_bounds__(bandwidth_threads)
    read_kernel(unsigned* never, const uint4* from, std::size_t count) {
  const std::size_t stride = std::size_t(gridDim.x) * bandwidth_threads;
  unsigned seen = 0;
  for (std::size_t i = std::size_t(blockIdx.x) * bandwidth_threads + threadIdx.x; i < count; i += stride) {
    const uint4 four = from[i];
    seen |= four.x | four.y | four.z | four.w;
  }
  if (seen != 0) *never = seen;  // the buffer is all zeros
}

/// Zeros in the device's memory.
class Zeros {
 public:
  explicit Zeros(std::size_t bytes) : buffer_(bytes / sizeof(uint4)) {
    simt::detail::check(cudaMemset(buffer_.data(), 0, bytes), "clearing a buffer");
  }
  uint4* data() { return buffer_.data(); }
  std::size_t count() const { return buffer_.size(); }

 private:
  simt::device_buffer<uint4> buffer_;
};

/// Empties L2 before the first kernel of a run, and takes the time of the run's kernels.
///
/// L2 is emptied by reading what is four times as large: what is left there is clean, and need not be written back while
/// the kernel runs. It takes the GPU so long that the kernel is queued before it ends: the time that the host takes to
/// launch a kernel is not in the result.
class ColdTimer : public simt::LaunchWatcher {
 public:
  explicit ColdTimer(const cudaDeviceProp& facts)
      : blocks_(facts.multiProcessorCount * blocks_per_sm),
        swept_(std::max<std::size_t>(4 * static_cast<std::size_t>(facts.l2CacheSize), 64u << 20)),
        never_(1) {}

  void before_launch() override {
    if (begun_) return;
    begun_ = true;
    read_kernel<<<blocks_, bandwidth_threads>>>(never_.data(), swept_.data(), swept_.count());
    simt::detail::check(cudaGetLastError(), "emptying L2");
    start_.record();
  }
  void after_launch() override { stop_.record(); }

  double seconds_of(const std::function<void()>& run) {
    begun_ = false;
    simt::launch_watcher = this;
    try {
      run();
    } catch (...) {
      simt::launch_watcher = nullptr;
      throw;
    }
    simt::launch_watcher = nullptr;
    simt::synchronize();
    if (!begun_) simt::detail::fail(ErrorKind::bad_input, "the run launched no kernel");
    return simt::event::milliseconds(start_, stop_) * 1e-3;
  }

 private:
  int blocks_;
  Zeros swept_;
  simt::device_buffer<unsigned> never_;
  simt::event start_, stop_;
  bool begun_ = false;
};

cudaDeviceProp facts_of_gpu() {
  cudaDeviceProp facts{};
  simt::detail::check(cudaGetDeviceProperties(&facts, 0), "asking for the GPU's properties");
  return facts;
}

class Gpu final : public BenchDevice {
 public:
  Gpu() : facts_(facts_of_gpu()), timer_(facts_) {}

  std::string description() const override {
    return std::string(facts_.name) + ", sm_" + std::to_string(facts_.major) + std::to_string(facts_.minor) +
           ", " + std::to_string(facts_.multiProcessorCount) + " SMs, L2 of " +
           std::to_string(facts_.l2CacheSize >> 20) + " MiB";
  }
  std::byte* allocate(std::size_t bytes) override { return buffers_.emplace_back(bytes).data(); }
  void free_all() override { buffers_.clear(); }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    simt::detail::check(cudaMemcpy(to, from.data(), from.size(), cudaMemcpyHostToDevice), "upload");
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    simt::detail::check(cudaMemcpy(to.data(), from, to.size(), cudaMemcpyDeviceToHost), "download");
  }
  void fill(std::byte* to, std::size_t bytes, std::byte value) override {
    simt::detail::check(cudaMemset(to, static_cast<int>(value), bytes), "fill");
  }
  double cold_seconds(const std::function<void()>& run) override { return timer_.seconds_of(run); }

  Bandwidth bandwidth() override {
    constexpr std::size_t bytes = 512u << 20;
    Zeros from(bytes), to(bytes);
    simt::device_buffer<unsigned> never(1);
    const simt::Launch config{.grid = dim3(facts_.multiProcessorCount * blocks_per_sm),
                              .block = dim3(bandwidth_threads)};
    const auto median_of = [&](const std::function<void()>& run) {
      std::vector<double> seconds;
      for (int i = 0; i < 9; ++i) seconds.push_back(timer_.seconds_of(run));
      std::ranges::sort(seconds);
      return seconds[seconds.size() / 2];
    };
    Bandwidth measured;
    measured.copy = 2.0 * bytes / median_of([&] {
                      simt::launch("copy", copy_kernel, config, to.data(), from.data(), from.count());
                    });
    measured.read = bytes / median_of([&] {
                      simt::launch("read", read_kernel, config, never.data(), from.data(), from.count());
                    });
    return measured;
  }

  std::optional<KernelRung> library_product(std::string& missing) override {
    if (!cublas_) cublas_ = Cublas::open(missing);
    if (!cublas_) return std::nullopt;
    KernelRung rung{.name = "cuBLAS"};
    rung.run = [this](const check::Call& call, Memory) {
      if (simt::launch_watcher != nullptr) simt::launch_watcher->before_launch();
      cublas_->multiply(call.type, call.input("x").data, call.input("w").data, call.outputs[0].data,
                        static_cast<int>(call.integer("M")), static_cast<int>(call.integer("N")),
                        static_cast<int>(call.integer("K")));
      if (simt::launch_watcher != nullptr) simt::launch_watcher->after_launch();
    };
    return rung;
  }

 private:
  cudaDeviceProp facts_;
  ColdTimer timer_;
  std::vector<simt::device_buffer<std::byte>> buffers_;
  std::unique_ptr<Cublas> cublas_;
};

}  // namespace

std::unique_ptr<BenchDevice> open_gpu() {
  int count = 0;
  if (const cudaError_t code = cudaGetDeviceCount(&count); code != cudaSuccess || count == 0) {
    simt::detail::fail(
        ErrorKind::unsupported,
        std::string("here is no GPU to run on") +
            (code == cudaSuccess ? "" : std::string(": CUDA says: ") + cudaGetErrorString(code)));
  }
  return std::make_unique<Gpu>();
}

}  // namespace rung::cuda
