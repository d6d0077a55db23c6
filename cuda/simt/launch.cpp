#include "cuda/simt/launch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include <unistd.h>

#include "core/error.h"
#include "cuda/simt/device_description.h"
#include "cuda/simt/executor.h"
#include "cuda/simt/launch_bounds.h"
#include "cuda/simt/symbols.h"

namespace rung::simt {

namespace {

unsigned chosen_threads = 0;

unsigned threads_by_default() {
  if (const char* text = std::getenv("RUNG_SIMT_THREADS")) {
    const long count = std::strtol(text, nullptr, 10);
    if (count > 0 && count <= 1024) return static_cast<unsigned>(count);
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

unsigned threads() {
  static const unsigned by_default = threads_by_default();
  return chosen_threads != 0 ? chosen_threads : by_default;
}

void set_threads(unsigned count) {
  chosen_threads = count;
}

namespace detail {

Observer* installed = nullptr;

namespace {

/// The blocks of one launch, and who takes the next.
class Job {
 public:
  Job(const LaunchRequest& request, unsigned blocks) : request_(request), blocks_(blocks) {}

  /// Runs blocks until none is left, or one has failed.
  void work() {
    static thread_local Worker own;
    const HandlerStack stack;
    own.prepare(request_);
    for (unsigned block; !failed_.load(std::memory_order_relaxed) && (block = next_++) < blocks_;) {
      try {
        own.run_block(block);
      } catch (...) {
        // Blocks before this one have all been taken, and each runs to its end: the first that fails is the same however
        // many threads there are.
        const std::lock_guard lock(mutex_);
        if (block < first_failed_) {
          first_failed_ = block;
          failure_ = std::current_exception();
        }
        failed_ = true;
      }
    }
  }

  void rethrow() const {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

 private:
  const LaunchRequest& request_;
  const unsigned blocks_;
  std::atomic<unsigned> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  unsigned first_failed_ = ~0u;
  std::exception_ptr failure_;
};

/// OS threads that wait for a launch. The one that launches works too.
class Helpers {
 public:
  Helpers() = default;
  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  void work_with(Job& job, unsigned helpers) {
    {
      const std::lock_guard lock(mutex_);
      while (threads_.size() < helpers) {
        threads_.emplace_back([this, turn = turn_] { help(turn); });
      }
      job_ = &job;
      places_ = helpers;
      ++turn_;
    }
    if (helpers != 0) wake_.notify_all();
    job.work();
    std::unique_lock lock(mutex_);
    places_ = 0;  // who has not begun need not
    done_.wait(lock, [this] { return busy_ == 0; });
    job_ = nullptr;
  }

 private:
  void help(unsigned turn) {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return over_ || (turn_ != turn && places_ != 0); });
      if (over_) return;
      turn = turn_;
      --places_;
      ++busy_;
      Job* job = job_;
      lock.unlock();
      job->work();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  Job* job_ = nullptr;
  unsigned places_ = 0, busy_ = 0, turn_ = 0;
  bool over_ = false;
};

/// The helpers of this process. A child after fork() has none of its parent's threads, and starts with new ones.
Helpers& helpers() {
  static auto all = std::make_unique<Helpers>();
  static pid_t owner = getpid();
  if (owner != getpid()) {
    static_cast<void>(all.release());
    all = std::make_unique<Helpers>();
    owner = getpid();
  }
  return *all;
}

void execute(const LaunchRequest& request) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const unsigned blocks = request.grid.x * request.grid.y * request.grid.z;
  Job job(request, blocks);
  const CrashHandlers handlers;
  Observer* watching = observer();
  if (watching != nullptr) {
    watching->launch_begins({request.name, request.kernel, request.grid, request.block, request.shared_bytes,
                             static_shared_bytes(request.kernel), request.arguments, request.argument_bytes});
    job.work();
    watching->launch_ends();
  } else {
    helpers().work_with(job, std::min(threads(), blocks) - 1);
  }
  job.rethrow();
}

std::string extents(dim3 d) {
  return fmt::format("({}, {}, {})", d.x, d.y, d.z);
}

}  // namespace

void check_limits(const LaunchRequest& request) {
  const dim3 grid = request.grid, block = request.block;
  const auto refuse = [&]<typename... Args>(fmt::format_string<Args...> why, Args&&... args) {
    throw Error(ErrorKind::usage, "kernel {}, grid {}, block {}: {}", request.name, extents(grid),
                extents(block), fmt::format(why, std::forward<Args>(args)...));
  };
  const auto empty = [](dim3 d) { return d.x == 0 || d.y == 0 || d.z == 0; };
  if (empty(grid)) refuse("the grid has no blocks");
  if (empty(block)) refuse("the block has no threads");
  if (block.x > 1024 || block.y > 1024 || block.z > 64)
    refuse("a block's extents are at most (1024, 1024, 64)");
  const unsigned count = block.x * block.y * block.z;  // at most 2^26
  if (count > max_threads_per_block) {
    refuse("{} threads a block; a device takes at most {}", count, unsigned{max_threads_per_block});
  }
  if (const unsigned bound = launch_bound(request.kernel); bound != 0 && count > bound) {
    refuse("{} threads a block; its __launch_bounds__ allows {}", count, unsigned{bound});
  }
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    refuse("a grid's extents are at most (2147483647, 65535, 65535)");
  }
  constexpr unsigned most_blocks = 0xffffffff;  // as far as the executor counts
  if (std::size_t{grid.x} * grid.y > most_blocks / grid.z)
    refuse("more than {} blocks", unsigned{most_blocks});
  const std::size_t own = static_shared_bytes(request.kernel);
  if (own > max_static_shared_bytes) {
    refuse("{} bytes of static shared memory; a kernel can have at most {}", std::size_t{own},
           std::size_t{max_static_shared_bytes});
  }
  if (own + request.shared_bytes > device().shared_per_block) {
    refuse("{} bytes of dynamic shared memory and {} of static; a block of {} can have at most {}",
           std::size_t{request.shared_bytes}, std::size_t{own}, std::string(device().long_name),
           std::size_t{device().shared_per_block});
  }
}

void run(const LaunchRequest& request) {
  check_limits(request);
  execute(request);
}

}  // namespace detail

Observer* set_observer(Observer* observer) {
  return std::exchange(detail::installed, observer);
}

}  // namespace rung::simt
