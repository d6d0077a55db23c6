#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "cuda/simt/profile/lane_trace.h"
#include "cuda/simt/profile/ordering.h"
#include "cuda/simt/profile/profile.h"

namespace rung::simt::profiling {

/// One access that somebody may later be at odds with.
struct PastAccess {
  Moment moment;
  AccessType type = AccessType::load;
  std::uint32_t place = 0;
};

/// What is remembered of a few bytes of memory.
struct Cell {
  PastAccess write;  ///< the last one
  PastAccess read;   ///< the last one
  PastAccess
      other_read;  ///< one by another warp of the same interval as `read`, or by another block of this launch
  // Where `write` is an atomic, which is at odds with no other atomic:
  PastAccess store;  ///< the last write that was none
  PastAccess
      other_atomic;  ///< one since then by another warp of the interval, or by another block of this launch
  std::uint32_t atomics = 0;  ///< lanes of `write`'s warp whose atomics are of its interval and ticket
  std::uint32_t readers =
      0;  ///< lanes of `read`'s warp that read in its interval and are not ordered before each other
  std::uint32_t exact =
      0;  ///< where they differ in ticket or place: index into the exact readers of the interval
  std::uint32_t copy = 0;    ///< a cp.async to here is under way: index into the copies
  bool initialised = false;  ///< global memory: since its allocation
};

/// A piece of memory whose bytes are followed.
struct Region {
  /// An array among others in a region.
  struct Part {
    std::size_t begin = 0;  ///< from the region's begin
    std::size_t bytes = 0;
    std::string name;
  };

  MemorySpace space = MemorySpace::global;
  std::string name;
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
  std::vector<Part> parts;  ///< rising; none where the region is one array
  unsigned shift = 2;       ///< a cell is 4 bytes, or fewer once a smaller access was seen
  std::vector<Cell> cells;

  /// Of `count` bytes at `address`; nothing was done to them yet.
  Region(MemorySpace which, std::string called, std::uintptr_t address, std::size_t count);
  /// Whether all of an access lies in it.
  bool holds(std::uintptr_t address, std::size_t count) const {
    return address - begin < bytes && count <= bytes - (address - begin);
  }
  /// "byte 12 of tile".
  std::string describe(std::uintptr_t address) const;
  /// Makes the cells small enough for an access of `count` bytes at `address`.
  void refine_for(std::uintptr_t address, unsigned count) {
    if ((((address - begin) | count) & ((1U << shift) - 1U)) != 0) {
      refine(address, count);
    }
  }
  /// Global memory: these bytes have been written.
  void mark_initialised(std::uintptr_t address, std::size_t count);

 private:
  void refine(std::uintptr_t address, unsigned count);
};

/// A finding, before its places have names.
struct Finding {
  /// An access that it is about.
  struct Side {
    std::uint32_t place = 0;
    AccessType type = AccessType::load;
    unsigned block = 0, thread = 0;  // both counted linearly
  };
  ProblemKind kind = ProblemKind::race;
  std::string memory;
  std::string detail;
  Side access;
  bool has_other = false;
  Side other;
  std::uint64_t times = 0;
};

/// Finds races, uninitialised reads and copies that nobody waited for, and counts the different bytes touched.
///
/// Each cell remembers its last write and its readers; each new access is compared with them by the rules of Ordering.
/// Of the races on a cell the first is always found.
///
/// Blocks are ordered in one way: a thread that has passed a __threadfence and then adds atomically to global memory tells
/// what its block did; a block that later does the same on that address may rely on it. (For the whole block, which is
/// coarser than CUDA's model: what other threads of the block do without a barrier in between may slip through.)
class MemoryChecker {
 public:
  Ordering ordering;

  /// Forgets the findings of the launch before.
  void launch_begins();
  /// Uninitialised reads that a race explains are dropped here.
  void launch_ends();
  /// What shared memory held is gone.
  void block_begins(unsigned linear, unsigned threads);
  /// All threads of the block have met.
  void block_barrier();

  /// Lanes `mask` of a warp, at once; all addresses lie in the region.
  void access(Region& region, unsigned warp, std::uint32_t place, AccessType type, const Request& request);

  /// Lanes of a warp passed a __threadfence.
  void fence(unsigned warp, std::uint32_t lanes);

  /// Something found elsewhere, by a thread of the current block.
  void report(ProblemKind kind, std::string memory, std::string detail, std::uint32_t place, AccessType type,
              unsigned thread);

  std::vector<Finding> findings;  ///< of this launch, each pair of places once
  std::uint64_t left_out = 0;
  std::size_t most_findings = 32;

  std::uint64_t bytes_first_read = 0, bytes_first_written = 0;      ///< global memory, in this launch
  std::uint64_t profile_first_read = 0, profile_first_written = 0;  ///< in the whole profile

 private:
  struct ExactReaders {
    std::array<std::uint32_t, lanes_in_warp> ticket{};
    std::array<std::uint32_t, lanes_in_warp> place{};
  };
  struct Now;  // the access at hand

  bool under_way(const Cell& cell) const {
    return cell.copy != 0 && ordering.in_this_block(cell.write.moment.interval);
  }
  void load(Cell& cell, const Now& now);
  void store(Cell& cell, const Now& now);
  void check_against_write(const Cell& cell, const Now& now);
  bool check_against(const PastAccess& past, const Now& now);
  void check_against_atomics(const Cell& cell, const Now& now);
  void remember_atomic(Cell& cell, const Now& now);
  bool stays_at_odds(const PastAccess& past, const Now& now) const;
  void check_against_reads(const Cell& cell, const Now& now);
  bool in_unordered_block(std::uint32_t interval) const;
  void synchronise_blocks(const Now& now);
  void check_copy(const Cell& cell, const Now& now);
  void remember_read(Cell& cell, const Now& now);
  void remember_reader_of_the_warp(Cell& cell, const Now& now);
  void found(ProblemKind kind, const Now& now, unsigned lane, const PastAccess* other);
  void add(ProblemKind kind, const Region& region, std::uintptr_t address, std::string detail,
           const Finding::Side& side, const Finding::Side* other);
  Finding::Side side_of(const PastAccess& past) const;

  std::map<std::tuple<ProblemKind, std::uint32_t, std::uint32_t>, std::size_t>
      known_;                        // -> index into findings
  std::vector<ExactReaders> exact_;  // of this interval; the first is not used
  std::vector<PastAccess> copies_;   // of this launch; the first is not used
  std::unordered_map<std::uintptr_t, std::vector<unsigned>>
      released_;                    // address of an atomic -> blocks, of this launch
  std::vector<bool> fenced_;        // threads of this block
  std::vector<unsigned> acquired_;  // blocks that this block is ordered after, rising
  unsigned block_ = 0;
};

}  // namespace rung::simt::profiling
