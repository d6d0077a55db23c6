#include "cuda/simt/executor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "core/error.h"
#include "cuda/simt/device.h"
#include "cuda/simt/report.h"
#include "cuda/simt/symbols.h"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace rung::simt {

bool is_built_in_variable(const void* address) {
  const auto inside = [address](const auto& variable) {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(&variable) <
           sizeof variable;
  };
  return inside(threadIdx) || inside(blockIdx) || inside(blockDim) || inside(gridDim);
}

}  // namespace rung::simt

namespace rung::simt::detail {

constinit thread_local const ThreadState* current = nullptr;
constinit thread_local Worker* worker = nullptr;

Worker::Worker() : threads_(std::make_unique<Thread[]>(most_threads)) {}

Worker::~Worker() = default;  // the fibers wait for a block that will not come; they hold nothing

// Fibers ------------------------------------------------------------------------------------------

void Worker::make_fibers(unsigned count) {
  for (; made_ < count; ++made_) {
    threads_[made_].index = made_;
    make_fiber_of(threads_[made_]);
  }
}

void Worker::make_fiber_of(Thread& thread) {
  void* low = stacks_.low(thread.index);
  thread.stack_low = low;
  thread.stack_bytes = FiberStacks::stack_bytes();
  const std::size_t unused = thread.index * 320 % 4096 / 64 * 64;
  make_fiber(thread.fiber, low, thread.stack_bytes, unused, fiber_main, nullptr);
}

void Worker::fiber_main(void*) {
  if (Observer* watching = observer()) watching->thread_resumes();
  for (;;) worker->run_thread();
}

void Worker::run_thread() {
  Thread& self = *current_;
  self.inside = true;
  try {
    request_->enter(request_->arguments);
  } catch (const Unwind&) {
    // The block has failed, and its report is written.
  } catch (const std::exception& e) {
    const Aside here;
    if (failure_.empty()) failure_ = report(self, std::string("an exception: ") + e.what(), {});
  } catch (...) {
    const Aside here;
    if (failure_.empty()) failure_ = report(self, "an exception that is not a std::exception", {});
  }
  self.inside = false;
  end_thread();
  give_way();
}

void Worker::end_thread() {
  Thread& self = *current_;
  drop_copies(self);
  if (Observer* watching = observer()) watching->thread_ends();
  const unsigned warp = self.index / warp_size;
  const std::uint32_t bit = 1u << self.index % warp_size;
  self.activity = Activity::ended;
  ready_[warp] &= ~bit;
  ended_[warp] |= bit;
  --live_;
  if (!failure_.empty()) return;
  // Nobody waits for a thread that has returned: it may have been the last one that was waited for.
  if (at_barrier_ != 0 && at_barrier_ == live_) release_barrier();
  try {
    for (std::uint32_t waiting = collected_[warp]; waiting != 0; waiting &= waiting - 1) {
      Thread& other = threads_[warp * warp_size + static_cast<unsigned>(std::countr_zero(waiting))];
      if ((other.mask & bit) != 0 && try_complete(other)) break;
    }
  } catch (const Unwind&) {
    // Another thread's report is written.
  }
}

inline Thread* Worker::next_ready() {
  if (!failure_.empty()) return nullptr;  // run_block winds up
  const unsigned warp = current_->index / warp_size, lane = current_->index % warp_size;
  const std::uint32_t later = ready_[warp] & ~((2u << lane) - 1);  // 2 << 31 is 0: no lane is later
  if (later != 0) return &threads_[warp * warp_size + static_cast<unsigned>(std::countr_zero(later))];
  const unsigned warps = (count_ + warp_size - 1) / warp_size;
  for (unsigned i = 0; i < warps; ++i) {  // this warp's earlier lanes first
    const unsigned w = warp + i < warps ? warp + i : warp + i - warps;
    if (ready_[w] != 0) return &threads_[w * warp_size + static_cast<unsigned>(std::countr_zero(ready_[w]))];
  }
  return nullptr;
}

inline void Worker::go_on_with(Thread& thread) {
  current_ = &thread;
  detail::current = &thread;
  threadIdx = thread.thread;
}

inline void Worker::give_way() {
  Thread& self = *current_;
  Thread* next = next_ready();
  if (next == &self) return;
  if (next == nullptr) {
    switch_fiber(self.fiber, home_);
  } else {
    go_on_with(*next);
    switch_fiber(self.fiber, next->fiber);
  }
  // Somebody goes on with this one.
  if (abandoning_ && self.inside) throw Unwind{};
  if (Observer* watching = observer()) watching->thread_resumes();
}

// Barriers and collectives ------------------------------------------------------------------------

unsigned Worker::wait_at_barrier(Barrier kind, bool predicate, Where where) {
  Thread& self = *current_;
  if (abandoning_) return 0;  // a destructor, on the way out
  const unsigned warp = self.index / warp_size;
  const std::uint32_t bit = 1u << self.index % warp_size;
  self.activity = Activity::at_barrier;
  self.barrier = kind;
  self.where = where;
  ready_[warp] &= ~bit;
  barred_[warp] |= bit;
  if (predicate) predicates_[warp] |= bit;
  if (at_barrier_ == 0) {
    first_at_barrier_ = &self;
  } else if (first_at_barrier_->barrier != kind || !same_place(first_at_barrier_->where, where)) {
    fail_barrier(self);
  }
  ++at_barrier_;
  if (at_barrier_ == live_) {
    release_barrier();
  } else {
    give_way();
  }
  return barrier_result_;
}

void Worker::release_barrier() {
  const Where where = first_at_barrier_->where;
  unsigned yes = 0;
  for (unsigned warp = 0; warp < (count_ + warp_size - 1) / warp_size; ++warp) {
    yes += static_cast<unsigned>(std::popcount(predicates_[warp]));
    ready_[warp] |= barred_[warp];
    barred_[warp] = 0;
    predicates_[warp] = 0;
  }
  switch (first_at_barrier_->barrier) {
    case Barrier::plain:
      break;
    case Barrier::count:
      barrier_result_ = yes;
      break;
    case Barrier::all:
      barrier_result_ = yes == at_barrier_ ? 1 : 0;
      break;
    case Barrier::any:
      barrier_result_ = yes != 0 ? 1 : 0;
      break;
  }
  at_barrier_ = 0;
  first_at_barrier_ = nullptr;
  if (Observer* watching = observer()) watching->block_barrier(where);
}

void Worker::arrive(const Collective& collective, void* argument, unsigned mask, Where where) {
  Thread& self = *current_;
  if (abandoning_) return;
  const unsigned warp = self.index / warp_size, first = warp * warp_size;
  const std::uint32_t bit = 1u << self.index % warp_size;
  if ((mask & bit) == 0) fail_mask(self, collective, mask, where);
  if (count_ - first < warp_size)
    mask &= (1u << (count_ - first)) - 1;  // lanes that a partial warp does not have
  self.activity = Activity::in_collective;
  self.collective = &collective;
  self.argument = argument;
  self.mask = mask;
  self.where = where;
  ready_[warp] &= ~bit;
  collected_[warp] |= bit;
  if (!try_complete(self)) give_way();
}

bool Worker::try_complete(Thread& thread) {
  const unsigned warp = thread.index / warp_size, first = warp * warp_size;
  const std::uint32_t wanted = thread.mask & ~ended_[warp];
  const std::uint32_t here = wanted & collected_[warp];
  // All of them are looked at when all are here. Until then one is, so that most mistakes are told where they are made.
  for (std::uint32_t lanes = here == wanted ? here : here & (0u - here); lanes != 0; lanes &= lanes - 1) {
    if (!meets(thread, threads_[first + static_cast<unsigned>(std::countr_zero(lanes))])) return false;
  }
  if (here != wanted) return false;
  // Only now is it known which lanes do not come: some may have returned after the others came here.
  if (thread.collective->whole_warp && wanted != 0xffffffffu)
    fail_partial(threads_[first + static_cast<unsigned>(std::countr_zero(wanted))]);
  complete(thread, wanted);
  return true;
}

bool Worker::meets(const Thread& thread, const Thread& other) {
  if (other.collective == thread.collective && other.mask == thread.mask &&
      (!thread.collective->whole_warp || same_place(other.where, thread.where))) {
    return true;
  }
  // It waits for some other operation. That may end without this thread, and then it may come here; not if it waits for
  // this thread too.
  if ((other.mask >> thread.index % warp_size & 1) != 0) fail_mismatch(thread, other);
  return false;
}

void Worker::complete(Thread& thread, std::uint32_t lanes) {
  const unsigned warp = thread.index / warp_size, first = warp * warp_size;
  const Collective& collective = *thread.collective;
  if (collective.complete != nullptr) {
    void* arguments[warp_size] = {};
    for (std::uint32_t left = lanes; left != 0; left &= left - 1) {
      const auto lane = static_cast<unsigned>(std::countr_zero(left));
      arguments[lane] = threads_[first + lane].argument;
    }
    collective.complete(arguments, lanes);
  }
  collected_[warp] &= ~lanes;
  ready_[warp] |= lanes;
  if (Observer* watching = observer()) {
    watching->warp_event(
        {collective.op, collective.name, warp, lanes, collective.op == WarpOp::syncwarp, thread.where});
  }
}

void Worker::fail_barrier(const Thread& thread) {
  const Aside here;
  const Thread& first = *first_at_barrier_;
  fail(thread,
       fmt::format("threads meet at different barriers: {}, but {} waits at {}",
                   barrier_text(thread.barrier, thread.where), thread_text(first.thread),
                   barrier_text(first.barrier, first.where)),
       thread.where);
}

void Worker::fail_mask(const Thread& thread, const Collective& collective, unsigned mask, Where where) {
  const Aside here;
  fail(thread,
       fmt::format("{} with mask {}, which does not name this lane, {}", collective.name, mask_text(mask),
                   thread.index % warp_size),
       where);
}

void Worker::fail_partial(const Thread& thread) {
  const Aside here;
  fail(thread,
       fmt::format("{} needs all 32 lanes of a warp; {}", thread.collective->name,
                   missing_text(ended_[thread.index / warp_size], ~thread.mask)),
       thread.where);
}

void Worker::fail_mismatch(const Thread& thread, const Thread& other) {
  const Aside here;
  fail(thread,
       fmt::format("lanes of a warp wait for each other in different operations: {}, but {} in {}",
                   collective_text(thread), thread_text(other.thread), collective_text(other)),
       thread.where);
}

// Blocks ------------------------------------------------------------------------------------------

void Worker::make_dynamic_memory(std::size_t bytes) {
  constexpr std::size_t slack = 128;  // on both sides, and as much again to align
  if (dynamic_storage_.size() < bytes + 3 * slack) dynamic_storage_.resize(bytes + 3 * slack);
  const auto low = reinterpret_cast<std::uintptr_t>(dynamic_storage_.data());
  dynamic_ = dynamic_storage_.data() + ((low + 2 * slack - 1) / slack * slack - low);
  dynamic_bytes_ = bytes;
}

void Worker::prepare(const LaunchRequest& request) {
  request_ = &request;
  const dim3 block = request.block;
  count_ = block.x * block.y * block.z;
  make_fibers(count_);
  make_dynamic_memory(request.shared_bytes);
  for (unsigned i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    thread.thread = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    thread.dynamic_low = dynamic_;
    thread.dynamic_bytes = dynamic_bytes_;
  }
  blockDim = block;
  gridDim = request.grid;
}

void Worker::run_block(unsigned linear) {
  const dim3 grid = request_->grid;
  block_ = {linear % grid.x, linear / grid.x % grid.y, linear / grid.x / grid.y};
  blockIdx = block_;
  live_ = count_;
  at_barrier_ = 0;
  first_at_barrier_ = nullptr;
  failure_.clear();
  abandoning_ = false;
  crash_ = {};
  std::fill(std::begin(ready_), std::end(ready_), 0);
  std::fill(std::begin(collected_), std::end(collected_), 0);
  std::fill(std::begin(barred_), std::end(barred_), 0);
  std::fill(std::begin(predicates_), std::end(predicates_), 0);
  std::fill(std::begin(ended_), std::end(ended_), 0);
  // What the last block left there is not this one's.
  if (dynamic_bytes_ != 0) std::memset(dynamic_, 0xcd, dynamic_bytes_);
  for (unsigned i = 0; i < count_; ++i) {
    threads_[i].block = block_;
    threads_[i].activity = Activity::started;
    ready_[i / warp_size] |= 1u << i % warp_size;
  }
  Observer* watching = observer();
  if (watching != nullptr) watching->block_begins({block_, linear, count_});
  worker = this;
  go_on_with(threads_[0]);
  switch_fiber(home_, threads_[0].fiber);
  if (crash_.signal != 0) report_crash();
  if (failure_.empty() && live_ != 0) report_deadlock();
  while (!failure_.empty() && abandon()) report_crash();
  worker = nullptr;
  current_ = nullptr;
  detail::current = nullptr;
  if (watching != nullptr) watching->block_ends();
  if (!failure_.empty()) throw Error(ErrorKind::bad_input, "{}", failure_);
}

void Worker::leave_crashed(const Crash& crash) {
  crash_ = crash;
  Fiber nowhere;
  switch_fiber(nowhere, home_);
  std::terminate();  // nobody goes on with it
}

void Worker::report_crash() {
  Thread& thread = *current_;
  if (failure_.empty()) {
    const std::string place =
        place_of_code(std::vector<const void*>(crash_.frames, crash_.frames + crash_.frame_count));
    const std::string what =
        stacks_.in_guard(crash_.address)
            ? fmt::format("its stack of {} KiB is full", thread.stack_bytes / 1024)
            : fmt::format("{} at address {}", signal_text(crash_.signal), crash_.address);
    failure_ = report_at(thread, what, place);
  }
  crash_ = {};
  thread.inside = false;
  thread.activity = Activity::ended;
  thread.copies.clear();
  thread.groups.clear();
  make_fiber_of(thread);
}

bool Worker::abandon() {
  abandoning_ = true;
  for (unsigned i = 0; i < count_; ++i) {
    if (!threads_[i].inside) continue;
    go_on_with(threads_[i]);
    switch_fiber(home_, threads_[i].fiber);
    if (crash_.signal != 0) return true;
  }
  abandoning_ = false;
  return false;
}

void Worker::fail(const Thread& thread, const std::string& what, Where where) {
  const Aside here;
  if (failure_.empty()) failure_ = report(thread, what, where);
  throw Unwind{};
}

void Worker::stop(const std::string& what, Where where) {
  {
    const Aside here;
    if (failure_.empty()) failure_ = report(*current_, what, where);
  }
  Crash given_up;
  given_up.signal = SIGABRT;  // report_crash() sees to the fiber; the report is written
  leave_crashed(given_up);
}

std::string Worker::report(const Thread& thread, const std::string& what, Where where) const {
  return report_at(thread, what, where.line != 0 ? place_text(where) : std::string());
}

std::string Worker::report_at(const Thread& thread, const std::string& what, const std::string& place) const {
  return fmt::format("kernel {}, block {}, {}{}{}: {}", request_->name, block_text(block_),
                     thread_text(thread.thread), place.empty() ? "" : ", ", place, what);
}

void Worker::report_deadlock() {
  failure_ = fmt::format("kernel {}, block {}: deadlock: {}", request_->name, block_text(block_),
                         waiting_text({threads_.get(), count_}));
}

// What collectives call ---------------------------------------------------------------------------

void arrive(const Collective& collective, void* argument, unsigned mask, Where where) {
  worker->arrive(collective, argument, mask, where);
}

unsigned lane() {
  return current->index % warp_size;
}

void fail_here(const std::string& what, Where where) {
  worker->fail(worker->current(), what, where);
}

void stop_here(const std::string& what, Where where) {
  worker->stop(what, where);
}

void fail_for(unsigned lane, const std::string& what, Where where) {
  worker->fail(worker->thread_of_warp(lane), what, where);
}

void* dynamic_shared_memory() {
  return worker->dynamic_memory();
}

void drop_copies(Thread& thread) {
  if (Observer* watching = observer()) {
    for (const AsyncCopy& copy : thread.copies) watching->copy_dropped(copy);
  }
  thread.copies.clear();
  thread.groups.clear();
}

}  // namespace rung::simt::detail

using rung::simt::detail::Barrier;
using rung::simt::detail::worker;

void __syncthreads(rung::simt::Where where) {
  worker->wait_at_barrier(Barrier::plain, false, where);
}
int __syncthreads_count(int predicate, rung::simt::Where where) {
  return static_cast<int>(worker->wait_at_barrier(Barrier::count, predicate != 0, where));
}
int __syncthreads_and(int predicate, rung::simt::Where where) {
  return static_cast<int>(worker->wait_at_barrier(Barrier::all, predicate != 0, where));
}
int __syncthreads_or(int predicate, rung::simt::Where where) {
  return static_cast<int>(worker->wait_at_barrier(Barrier::any, predicate != 0, where));
}
