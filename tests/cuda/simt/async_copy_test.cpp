// cp.async, and what an observer hears of a launch.

#include <string>
#include <vector>

#include "cuda/simt/observer.h"
#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::launch;
namespace ptx = rung::ptx;

namespace {

/// Three groups, and what is in shared memory after each wait.
__global__ void groups(float* out, const float* in) {
  __shared__ __align__(16) float held[12];
  for (int i = 0; i < 12; ++i) held[i] = -1;
  ptx::cp_async16(held, in);
  ptx::cp_async_commit();
  ptx::cp_async16(held + 4, in + 4);
  ptx::cp_async_commit();
  ptx::cp_async_commit();  // an empty group counts
  ptx::cp_async8(held + 8, in + 8);
  ptx::cp_async4(held + 10, in + 10);
  const auto keep = [&](int row) {
    for (int i = 0; i < 12; ++i) out[12 * row + i] = held[i];
  };
  keep(0);  // nothing has come
  ptx::cp_async_wait<2>();
  keep(1);  // the first group
  ptx::cp_async_wait<0>();
  keep(2);  // and the second; the copies of no group are not waited for
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  keep(3);
}

__global__ void filled(unsigned* out, const unsigned* in) {
  __shared__ __align__(16) unsigned held[12];
  for (int i = 0; i < 12; ++i) held[i] = 0xaaaaaaaa;
  ptx::cp_async16_zfill(held, in, 6);
  ptx::cp_async16_zfill(held + 4, in, 0);
  ptx::cp_async8_zfill(held + 8, in, 8);
  ptx::cp_async4_zfill(held + 10, in, 1);
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  for (int i = 0; i < 12; ++i) out[i] = held[i];
}

/// Each thread has a list of its own, and other threads see its copies after a barrier.
__global__ void by_threads(float* out, const float* in) {
  __shared__ __align__(16) float held[2][256];
  const int t = threadIdx.x, n = blockDim.x;
  for (int k = 0; k < 4; ++k) {
    ptx::cp_async4(&held[k % 2][t], in + k * n + t);
    ptx::cp_async_commit();
    if (t % 2 == 0) {
      ptx::cp_async_wait<0>();
    } else {
      ptx::cp_async_wait<0>();
    }
    __syncthreads();
    out[k * n + t] = held[k % 2][n - 1 - t];
    __syncthreads();
  }
}

/// Forgets to wait.
__global__ void forgets(float* out, const float* in) {
  __shared__ __align__(16) float held[4];
  if (threadIdx.x < 4) held[threadIdx.x] = 9;
  __syncthreads();
  if (threadIdx.x == 1) ptx::cp_async16(held, in);
  __syncthreads();
  out[threadIdx.x] = held[threadIdx.x % 4];
}

}  // namespace

TEST_CASE("simt: asynchronous copies come at the wait for their group", "[simt]") {
  std::vector<float> values;
  for (int i = 0; i < 12; ++i) values.push_back(static_cast<float>(i));
  device_buffer<float> in(values), out(48);
  launch("groups", groups, {.grid = 1, .block = 1}, out.data(), in.data());
  const auto got = out.download();
  const int arrived[] = {0, 4, 8, 11};
  int wrong = 0;
  for (int row = 0; row < 4; ++row) {
    for (int i = 0; i < 12; ++i)
      wrong += got[12 * row + i] != (i < arrived[row] ? static_cast<float>(i) : -1.0f);
  }
  CHECK(wrong == 0);

  device_buffer<unsigned> words(std::vector<unsigned>{0x04030201, 0x08070605, 0x0c0b0a09, 0x100f0e0d}),
      zeroed(12);
  launch("filled", filled, {.grid = 1, .block = 1}, zeroed.data(), words.data());
  CHECK(zeroed.download() == std::vector<unsigned>{0x04030201, 0x00000605, 0, 0, 0, 0, 0, 0, 0x04030201,
                                                   0x08070605, 0x01, 0xaaaaaaaa});
}

TEST_CASE("simt: asynchronous copies of many threads", "[simt]") {
  const int n = 200;
  std::vector<float> values;
  for (int i = 0; i < 4 * n; ++i) values.push_back(static_cast<float>(i));
  device_buffer<float> in(values), out(4 * n);
  launch("by_threads", by_threads, {.grid = 1, .block = n}, out.data(), in.data());
  const auto got = out.download();
  int wrong = 0;
  for (int k = 0; k < 4; ++k) {
    for (int t = 0; t < n; ++t) wrong += got[k * n + t] != static_cast<float>(k * n + n - 1 - t);
  }
  CHECK(wrong == 0);
}

namespace {

/// Writes down what it hears.
class Listener : public rung::simt::Observer {
 public:
  Listener() : before_(rung::simt::set_observer(this)) {}
  ~Listener() override { rung::simt::set_observer(before_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::vector<std::string> heard;
  int resumed = 0, ended = 0, dropped = 0;

  void launch_begins(const rung::simt::LaunchInfo& info) override {
    heard.push_back("launch " + std::string(info.name) + " static " +
                    std::to_string(info.static_shared_bytes) + " dynamic " +
                    std::to_string(info.shared_bytes));
  }
  void launch_ends() override { heard.emplace_back("launch ends"); }
  void block_begins(const rung::simt::BlockInfo& info) override {
    heard.push_back("block " + std::to_string(info.linear) + " of " + std::to_string(info.threads));
  }
  void block_ends() override { heard.emplace_back("block ends"); }
  void thread_resumes() override { ++resumed; }
  void thread_ends() override { ++ended; }
  void block_barrier(rung::simt::Where) override { heard.emplace_back("barrier"); }
  void warp_event(const rung::simt::WarpEvent& e) override {
    heard.push_back(std::string(e.name) + " warp " + std::to_string(e.warp) +
                    (e.orders_memory ? " orders" : ""));
    mask = e.mask;
  }
  void memory_event(const rung::simt::MemoryEvent& e) override {
    using Kind = rung::simt::MemoryEvent::Kind;
    heard.push_back((e.kind == Kind::read    ? "read "
                     : e.kind == Kind::write ? "write "
                                             : "atomic ") +
                    std::to_string(e.bytes) + " by " + std::to_string(rung::simt::current_thread()->index));
  }
  void copy_issued(const rung::simt::AsyncCopy& c) override {
    heard.push_back("copy " + std::to_string(c.source_bytes));
  }
  void copies_committed(rung::simt::Where) override { heard.emplace_back("commit"); }
  void copies_waited(unsigned pending, rung::simt::Where) override {
    heard.push_back("wait " + std::to_string(pending));
  }
  void copy_dropped(const rung::simt::AsyncCopy& c) override {
    ++dropped;
    dropped_line = c.where.line;
  }
  void allocated(const void*, std::size_t bytes) override {
    heard.push_back("allocated " + std::to_string(bytes));
  }
  void released(const void*) override { heard.emplace_back("released"); }
  void uploaded(const void*, std::size_t bytes) override {
    heard.push_back("uploaded " + std::to_string(bytes));
  }

  unsigned mask = 0;
  int dropped_line = 0;

 private:
  rung::simt::Observer* before_;
};

__global__ void everything(int* out, const int* in) {
  __shared__ __align__(16) int held[4];
  if (threadIdx.x == 0) {
    ptx::cp_async16_zfill(held, in, 8);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
  }
  __syncthreads();
  if (threadIdx.x >= 32) {
    __syncwarp();
    atomicAdd(out, __any_sync(0x3u, held[threadIdx.x - 32]));
  }
}

}  // namespace

TEST_CASE("simt: a copy that nobody waits for never comes, and is reported", "[simt]") {
  device_buffer<float> in(std::vector<float>{1, 2, 3, 4}), out(64);
  launch("forgets", forgets, {.grid = 2, .block = 32}, out.data(), in.data());
  for (int i = 0; i < 32; ++i) CHECK(out.download()[i] == 9);
  Listener listener;
  launch("forgets", forgets, {.grid = 2, .block = 32}, out.data(), in.data());
  CHECK(listener.dropped == 2);
  CHECK(listener.dropped_line != 0);
}

TEST_CASE("simt: an observer hears all that happens, in order", "[simt]") {
  device_buffer<int> in(std::vector<int>{0, 7, 8, 9});
  Listener listener;
  {
    device_buffer<int> out(std::vector<int>{0});
    launch("everything", everything, {.grid = 2, .block = 34, .shared_bytes = 40}, out.data(), in.data());
    CHECK(out.download()[0] == 4);
  }
  std::vector<std::string> expected{"allocated 4", "uploaded 4", "launch everything static 16 dynamic 40"};
  for (const char* block : {"block 0 of 34", "block 1 of 34"}) {
    for (const char* event : {block, "copy 8", "commit", "read 8 by 0", "write 16 by 0", "wait 0", "barrier",
                              "__syncwarp warp 1 orders", "__any_sync warp 1", "atomic 4 by 32",
                              "atomic 4 by 33", "block ends"}) {
      expected.emplace_back(event);
    }
  }
  expected.emplace_back("launch ends");
  expected.emplace_back("released");
  // Who of the two lanes that have voted goes on first is not said.
  for (auto& event : listener.heard) {
    if (event == "atomic 4 by 33") event = "atomic 4 by 32";
  }
  for (auto& event : expected) {
    if (event == "atomic 4 by 33") event = "atomic 4 by 32";
  }
  CHECK(listener.heard == expected);
  CHECK(listener.mask == 3);
  CHECK(listener.ended == 68);
  CHECK(listener.resumed >= 68);
  CHECK(rung::simt::current_thread() == nullptr);
}

TEST_CASE("simt: what a thread can ask about itself", "[simt]") {
  struct Kernel {
    static void asks(int* wrong) {
      __shared__ int fixed;
      // Not the address of a local: the sanitizer of g++ 13 and later keeps locals away from the stack.
      const void* const frame = __builtin_frame_address(0);
      const rung::simt::ThreadState* me = rung::simt::current_thread();
      const auto inside = [](const void* p, const void* low, std::size_t bytes) {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(low) < bytes;
      };
      const auto statics = rung::simt::thread_local_range();
      const bool right =
          me->index == threadIdx.x && me->thread.x == threadIdx.x && me->block.x == blockIdx.x &&
          inside(frame, me->stack_low, me->stack_bytes) &&
          me->dynamic_low == rung::simt::dynamic_shared<char>() && me->dynamic_bytes == 12 &&
          inside(&fixed, statics.low, statics.bytes) && rung::simt::is_built_in_variable(&threadIdx) &&
          rung::simt::is_built_in_variable(&gridDim.z) && !rung::simt::is_built_in_variable(&fixed);
      if (!right) atomicAdd(wrong, 1);
    }
  };
  device_buffer<int> wrong(std::vector<int>{0});
  launch("asks", Kernel::asks, {.grid = 3, .block = 40, .shared_bytes = 12}, wrong.data());
  CHECK(wrong.download()[0] == 0);
}
