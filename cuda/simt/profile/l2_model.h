#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rung::simt::profiling {

/// One cache between all multiprocessors and DRAM, in 32-byte sectors kept together in 128-byte lines.
///
/// - Fully associative; the line that was touched longest ago leaves first.
/// - A load of a sector that is not there fetches that sector alone.
/// - A store fetches nothing: the sector is there afterwards and must be written back (a real L2 keeps a mask of bytes).
/// - A line that leaves writes back the sectors that were stored to. flush() writes back the rest.
///
/// Sectors are numbered by address / 32.
class L2Model {
 public:
  /// `bytes` is rounded down to whole lines, at least one.
  explicit L2Model(std::size_t bytes);

  /// A sector is asked for.
  void load(std::uint64_t sector) { touch(sector, false); }
  /// A sector is written to.
  void store(std::uint64_t sector) { touch(sector, true); }

  /// Writes back what was stored and empties the cache.
  void flush();

  /// From DRAM, so far.
  std::uint64_t sectors_fetched() const { return fetched_; }
  /// To DRAM, so far.
  std::uint64_t sectors_written_back() const { return written_back_; }
  /// Its capacity, in whole lines.
  std::size_t bytes() const { return capacity_ * 128; }

 private:
  struct Line {
    std::uint64_t number = 0;                                // sector / 4
    std::uint32_t newer = 0, older = 0, next_in_bucket = 0;  // indices into lines_; 0 is the list's anchor
    std::uint8_t valid = 0, dirty = 0;                       // one bit per sector
  };

  void touch(std::uint64_t sector, bool store);
  std::uint32_t find(std::uint64_t number) const;
  std::uint32_t insert(std::uint64_t number);
  void unlink(std::uint32_t line);
  void make_newest(std::uint32_t line);
  void evict(std::uint32_t line);
  std::size_t bucket_of(std::uint64_t number) const;

  std::size_t capacity_;  // in lines
  std::vector<Line> lines_;
  std::vector<std::uint32_t> buckets_;
  std::uint64_t fetched_ = 0, written_back_ = 0;
};

}  // namespace rung::simt::profiling
