#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "cuda/simt/observer.h"
#include "cuda/simt/profile/lane_trace.h"
#include "cuda/simt/profile/memory_checker.h"
#include "cuda/simt/profile/memory_map.h"
#include "cuda/simt/profile/profile.h"
#include "cuda/simt/profile/request_counter.h"
#include "cuda/simt/profile/source_lines.h"

namespace rung::simt::profiling {

/// Watches launches: takes what the executor and the compiler's hooks tell, lane by lane, replays each warp when all its
/// lanes wait for the block or have ended, counts, and has the checker look at each access.
class Recorder final : public Observer, private ReplayVisitor {
 public:
  /// Watches from now on.
  explicit Recorder(const ProfileOptions& options);
  ~Recorder() override;

  /// What was measured; the recorder is used up.
  Profile take();

  /// A load or store of the current thread, not of its own stack. `code` is where the hook returns to: the place of the access.
  void hook_access(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                   const void* code);
  /// It entered a basic block or a function, or left one.
  void hook_token(const ThreadState& thread, Token::Kind kind, const void* code) {
    if (kind == Token::Kind::call) {
      stacks_[thread.index] = reinterpret_cast<std::uintptr_t>(thread.stack_low);
      stack_bytes_ = thread.stack_bytes;
    }
    lane_of(thread).tokens.emplace_back(kind, place_of(code));
  }
  /// It passed a __threadfence.
  void hook_fence(const ThreadState& thread, const void* code);
  /// Its access is not aligned: ends the kernel.
  void hook_misaligned(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                       const void* code);
  /// Its index is past an array: ends the kernel.
  void hook_index_out_of_bounds(const ThreadState& thread, const SourceLine& where, const std::string& what,
                                const void* code);

  /// The pointer with which it touches memory is past the end of the variable that it was made from: ends the kernel.
  void hook_pointer_out_of_bounds(const ThreadState& thread, std::uintptr_t address, const std::string& type,
                                  const void* code);

  // From the executor.
  void launch_begins(const LaunchInfo& info) override;
  void launch_ends() override;
  void block_begins(const BlockInfo& info) override;
  void block_ends() override;
  void block_barrier(Where where) override;
  void warp_event(const WarpEvent& event) override;
  void memory_event(const MemoryEvent& event) override;
  void copy_issued(const AsyncCopy& copy) override;
  void copy_done(const AsyncCopy& copy) override;
  void copy_dropped(const AsyncCopy& copy) override;
  void allocated(const void* address, std::size_t bytes) override;
  void released(const void* address) override;
  void uploaded(const void* address, std::size_t bytes) override;

 private:
  // Replayed.
  void access(const WarpAccess& access) override;
  void rendezvous(std::uint32_t mask, bool orders_memory) override;
  void issued(std::uint64_t count, unsigned lanes) override;

  /// The trace of a thread.
  LaneTrace& lane_of(const ThreadState& thread) {
    if (const unsigned warp = thread.index / lanes_in_warp; warp != warp_) {
      go_to(warp);
    }
    return *traces_[thread.index];
  }
  void go_to(unsigned warp);
  void replay(unsigned warp);
  void replay_all();
  void push(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
            std::uint32_t place);
  bool belongs_somewhere(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                         AccessType type, std::uint32_t place);
  void out_of_bounds(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                     std::uint32_t place);
  std::uint32_t place_of(const void* code) const {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(code) - base_);
  }
  std::uint32_t place_of(const void* code, Where where);
  void same_shape(const WarpAccess& access, std::uint32_t lanes);
  void take_part(AccessType type);
  void request(Region& region, std::uint32_t place, AccessType type, const Request& request);

  ProfileOptions options_;
  std::uintptr_t base_ = executable_base();
  Observer* before_ = nullptr;
  Profile profile_;

  MemoryMap memory_;

  // The launch.
  KernelProfile kernel_;
  MemoryChecker checker_;
  RequestCounter counter_;
  std::map<std::tuple<std::string_view, int, std::string_view>, std::uint64_t> events_;  // file, line, name
  std::uintptr_t arguments_ = 0;
  std::size_t argument_bytes_ = 0;
  std::vector<std::vector<Finding>> findings_;  // per launch, not named yet
  std::vector<std::vector<Site>> launch_sites_;

  // The block.
  std::vector<WarpReplay> warps_;
  std::vector<LaneTrace*> traces_;  // of the warps' lanes: by thread
  unsigned warp_ = 0;               // whose lanes run
  unsigned replayed_warp_ = 0;
  unsigned threads_ = 0;
  std::vector<bool> warp_loads_;        // whether it has loaded from global memory
  bool block_stores_ = false;           // whether one of its warps has stored there
  std::vector<std::uintptr_t> stacks_;  // of its threads, as far as they were seen
  std::size_t stack_bytes_ = 0;

  SourceLines& source_ = known_lines();
  std::unordered_set<std::uint32_t> named_;  // places whose line the executor has told
};

/// The one that is at work, or null.
extern Recorder* recorder;

/// Whether the profiler itself runs, and the hooks have nothing to say. Of an inline function of the standard library, a
/// std::string's say, a program has one copy, and that may be the one that was compiled with the hooks.
extern bool at_work;

/// From here to the end of the scope the profiler runs. Where a kernel is stopped there is no such end: launch_begins().
class AtWork {
 public:
  AtWork() : before_(at_work) { at_work = true; }
  ~AtWork() { at_work = before_; }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;

 private:
  bool before_;
};

}  // namespace rung::simt::profiling
