#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "cuda/simt/collective.h"
#include "cuda/simt/crash.h"
#include "cuda/simt/fiber.h"
#include "cuda/simt/launch_request.h"
#include "cuda/simt/observer.h"

// The executor's inside; kernels and callers see none of it. README.md tells how it works.

namespace rung::simt::detail {

inline constexpr unsigned warp_size = 32;
inline constexpr unsigned most_threads = 1024;  // of a block

/// What kind of barrier a thread waits at.
enum class Barrier : std::uint8_t { plain, count, all, any };

/// What a thread of the current block does.
enum class Activity : std::uint8_t { started, at_barrier, in_collective, ended };

/// One CUDA thread: a fiber, and where it waits. Lives as long as its worker and serves one block after the other.
/// What a switch needs is in its first two lines of the cache.
struct alignas(64) Thread : ThreadState {
  // Where it waits, or waited last: it goes on when the worker's masks say so.
  const Collective* collective = nullptr;
  void* argument = nullptr;
  Where where;
  unsigned mask = 0;
  Activity activity = Activity::ended;
  Barrier barrier = Barrier::plain;
  bool inside = false;  ///< the kernel is on its stack
  Fiber fiber;
  // Asynchronous copies that were not waited for: all of them in order, and how many there were at each commit.
  std::vector<AsyncCopy> copies;
  std::vector<std::size_t> groups;
};

/// Thrown on the fibers of a block that has failed, so that what their kernels hold is released.
struct Unwind {};

/// Runs blocks, one at a time, on one OS thread.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Makes ready for the blocks of a launch.
  void prepare(const LaunchRequest& request);
  /// Runs one block to its end.
  /// @throws Error with the kernel's report when something went wrong in it; the worker can go on with another block
  void run_block(unsigned linear);

  // Called on a thread's fiber.
  unsigned wait_at_barrier(Barrier kind, bool predicate, Where where);
  void arrive(const Collective& collective, void* argument, unsigned mask, Where where);
  [[noreturn]] void fail(const Thread& thread, const std::string& what, Where where);
  /// From a signal's handler: the current thread is given up, with all that its kernel holds.
  [[noreturn]] void leave_crashed(const Crash& crash);
  /// The same from a place that no exception may leave.
  [[noreturn]] void stop(const std::string& what, Where where);

  Thread& current() { return *current_; }
  Thread& thread_of_warp(unsigned lane) { return threads_[warp_base(current_->index) + lane]; }
  void* dynamic_memory() const { return dynamic_; }

 private:
  static constexpr unsigned warp_base(unsigned index) { return index & ~(warp_size - 1); }

  [[noreturn]] static void fiber_main(void* thread);
  void run_thread();
  void end_thread();
  /// Goes on with another thread, or with the worker when there is none that could; returns when somebody goes on with
  /// this one.
  void give_way();
  Thread* next_ready();
  void go_on_with(Thread& thread);
  void release_barrier();
  bool try_complete(Thread& thread);
  /// Whether `other`, which `thread` waits for, is in the same operation; fails if each waits for the other in vain.
  bool meets(const Thread& thread, const Thread& other);
  void complete(Thread& thread, std::uint32_t lanes);
  [[noreturn]] void fail_barrier(const Thread& thread);
  [[noreturn]] void fail_mask(const Thread& thread, const Collective& collective, unsigned mask, Where where);
  [[noreturn]] void fail_partial(const Thread& thread);
  [[noreturn]] void fail_mismatch(const Thread& thread, const Thread& other);
  void report_deadlock();
  void report_crash();
  /// Unwinds the threads of a block that has failed; true when one of them crashes on the way.
  bool abandon();
  void make_fibers(unsigned count);
  void make_fiber_of(Thread& thread);
  void make_dynamic_memory(std::size_t bytes);
  std::string report(const Thread& thread, const std::string& what, Where where) const;
  std::string report_at(const Thread& thread, const std::string& what, const std::string& place) const;

  const LaunchRequest* request_ = nullptr;
  std::unique_ptr<Thread[]> threads_;
  FiberStacks stacks_{most_threads};
  unsigned made_ = 0;   // threads that have a fiber
  unsigned count_ = 0;  // threads of a block
  unsigned live_ = 0;   // of these, not ended
  uint3 block_{};
  Thread* current_ = nullptr;
  Fiber home_;                                // run_block itself
  std::uint32_t ready_[warp_size] = {};       // a bit per lane, a word per warp
  std::uint32_t collected_[warp_size] = {};   // lanes that wait in a collective
  std::uint32_t barred_[warp_size] = {};      // that wait at the barrier
  std::uint32_t predicates_[warp_size] = {};  // and with which predicate
  std::uint32_t ended_[warp_size] = {};
  unsigned at_barrier_ = 0;
  unsigned barrier_result_ = 0;
  const Thread* first_at_barrier_ = nullptr;
  std::string failure_;  // the report of the current block
  bool abandoning_ = false;
  Crash crash_;
  std::vector<unsigned char> dynamic_storage_;
  unsigned char* dynamic_ = nullptr;
  std::size_t dynamic_bytes_ = 0;
};

/// The worker of the calling OS thread, while it runs a launch.
extern constinit thread_local Worker* worker;

/// Lets a thread that ends, or a launch that fails, drop what it did not wait for.
void drop_copies(Thread& thread);

}  // namespace rung::simt::detail
