#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cuda/simt/observer.h"
#include "cuda/simt/profile/l2_traffic.h"
#include "cuda/simt/profile/lane_trace.h"
#include "cuda/simt/profile/memory_checker.h"
#include "cuda/simt/profile/profile.h"
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
  void hook_token(const ThreadState& thread, Token::Kind kind, const void* code);
  /// It passed a __threadfence.
  void hook_fence(const ThreadState& thread, const void* code);
  /// Its access is not aligned: ends the kernel.
  void hook_misaligned(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                       const void* code);
  /// Its index is past an array: ends the kernel.
  void hook_index_out_of_bounds(const ThreadState& thread, const SourceLine& where, const std::string& what,
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
  // What a word of the executable's thread-local memory is.
  enum class StaticWord : std::uint8_t { array, not_memory, gap };

  struct Site {
    std::uint32_t place = 0;
    MemorySpace space = MemorySpace::global;
    AccessKind kind = AccessKind::load;
    unsigned bytes = 0;
    RequestCounts counts;
    std::uint64_t collisions = 0;
  };

  // Replayed.
  void access(const WarpAccess& access) override;
  void rendezvous(std::uint32_t mask, bool orders_memory) override;
  void issued(std::uint64_t count, unsigned lanes) override;

  void follow_static_shared();
  LaneTrace& lane_of(const ThreadState& thread);
  void replay(unsigned warp);
  void replay_all();
  void push(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
            std::uint32_t place);
  bool belongs_somewhere(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                         AccessType type, std::uint32_t place);
  void out_of_bounds(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                     std::uint32_t place);
  std::uint32_t place_of(const void* code) const;
  std::uint32_t place_of(const void* code, Where where);
  void same_shape(const WarpAccess& access, std::uint32_t lanes);
  void request(Region& region, std::uint32_t place, AccessType type, const Request& request);
  void count_global(std::uint32_t place, AccessType type, const Request& request);
  void count_shared(std::uint32_t place, AccessType type, const Request& request);
  Site& site(std::uint32_t place, MemorySpace space, AccessKind kind, unsigned bytes);
  Region* region_at(std::uintptr_t address);
  Region* global_at(std::uintptr_t address);
  std::string nearest_buffer(std::uintptr_t address, std::size_t bytes) const;

  ProfileOptions options_;
  std::uintptr_t base_ = executable_base();
  Observer* before_ = nullptr;
  Profile profile_;

  // The launch.
  KernelProfile kernel_;
  MemoryChecker checker_;
  std::optional<L2Traffic> traffic_;
  std::vector<Site> sites_;
  std::unordered_map<std::uint64_t, std::size_t> site_of_;
  std::map<std::tuple<std::string_view, int, std::string_view>, std::uint64_t> events_;  // file, line, name
  std::uint64_t last_key_ = 0;  // the site that was counted last
  std::size_t last_site_ = 0;
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
  std::vector<std::uintptr_t> stacks_;  // of its threads, as far as they were seen
  std::size_t stack_bytes_ = 0;

  // Memory.
  std::map<std::uintptr_t, std::unique_ptr<Region>> buffers_;
  std::size_t buffer_bytes_ = 0;
  unsigned buffers_made_ = 0;
  Region* last_buffer_ = nullptr;
  std::unique_ptr<Region> static_shared_, dynamic_shared_;
  std::vector<StaticWord> static_words_;

  SourceLines& source_ = known_lines();
  std::unordered_set<std::uint32_t> named_;  // places whose line the executor has told
};

/// The one that is at work, or null.
extern Recorder* recorder;

}  // namespace rung::simt::profiling
