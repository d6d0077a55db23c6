#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cuda/simt/profile/request.h"

namespace rung::simt::profiling {

/// When something happened: between which barriers, by whom, and how many memory-ordering syncs its warp had seen.
///
/// Intervals are numbered over a whole profile: each block begins one, each block barrier begins the next.
struct Moment {
  std::uint32_t interval = 0;  ///< 0: never
  std::uint32_t ticket = 0;
  std::uint16_t thread = 0;  ///< in its block

  /// The thread's warp in its block.
  unsigned warp() const { return thread / lanes_in_warp; }
  /// The thread's lane in its warp.
  unsigned lane() const { return thread % lanes_in_warp; }
};

/// Which of two moments of a launch came first, by the rules of CUDA's memory model that kernels rely on:
/// __syncthreads orders all threads of a block, __syncwarp the lanes of its mask (and, through them, what they had been
/// ordered after); nothing orders two blocks; shuffles, votes and matrix instructions order no memory.
class Ordering {
 public:
  /// What was before is ordered before all that comes.
  void launch_begins() { launch_first_ = interval_ + 1; }
  /// A block of that many threads, which nothing orders after the launch's others.
  void block_begins(unsigned linear, unsigned threads);
  /// All threads of the block have met.
  void block_barrier() { ++interval_; }
  /// The lanes of `mask` of a warp met at a __syncwarp.
  void warp_sync(unsigned warp, std::uint32_t mask);

  /// The moment at which a thread of the current block does something now.
  Moment now(unsigned thread) const {
    return {.interval = interval_,
            .ticket = warps_[thread / lanes_in_warp].ticket,
            .thread = static_cast<std::uint16_t>(thread)};
  }
  /// The current one.
  std::uint32_t interval() const { return interval_; }
  /// How many syncs a warp has seen.
  std::uint32_t ticket(unsigned warp) const { return warps_[warp].ticket; }

  /// Whether an interval is of the current launch.
  bool in_this_launch(std::uint32_t interval) const { return interval >= launch_first_; }
  /// Whether it is of the current block.
  bool in_this_block(std::uint32_t interval) const { return interval >= block_first_; }
  /// Whether it is of another block of the current launch.
  bool in_another_block(std::uint32_t interval) const {
    return interval >= launch_first_ && interval < block_first_;
  }

  /// Whether `thread` of the current block may rely on what happened at `moment` of this block.
  bool before(const Moment& moment, unsigned thread) const {
    if (moment.interval != interval_ || moment.thread == thread) {
      return true;
    }
    return moment.warp() == thread / lanes_in_warp && lane_before(moment, thread % lanes_in_warp);
  }
  /// The same where the moment is one of this interval, by another lane of the same warp.
  bool lane_before(const Moment& moment, unsigned lane) const {
    return warps_[moment.warp()].seen[lane][moment.lane()] > moment.ticket;
  }

  /// The block, counted linearly, that an interval of this launch belongs to.
  unsigned block_of(std::uint32_t interval) const;

 private:
  struct Warp {
    std::uint32_t ticket = 1;
    /// seen[a][b]: lane a is ordered after all that lane b did before this ticket.
    std::array<std::array<std::uint32_t, lanes_in_warp>, lanes_in_warp> seen{};
  };
  struct Begin {
    std::uint32_t interval;
    unsigned block;
  };

  std::uint32_t interval_ = 0, launch_first_ = 1, block_first_ = 1;
  std::vector<Warp> warps_;
  std::vector<Begin> begins_;  // of this launch's blocks
};

}  // namespace rung::simt::profiling
