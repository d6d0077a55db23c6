#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace rung::support {

/// Pages of this process's memory, by address.
struct PageRange {
  std::uintptr_t first = 0, end = 0;  ///< whole pages
  bool writable = true;               ///< false: of a file that is mapped for reading
};

/// The pages that hold these bytes of a mapped file.
PageRange pages_of_file(std::span<const std::byte> bytes);

/// All memory that this process has of no file and may write to.
std::vector<PageRange> anonymous_memory();

/// What of `now` is not in `before`: what was allocated meanwhile, in pages of its own.
/// @param at_least  shorter pieces, in bytes, are left out: they may be room that an allocator gives to anybody
std::vector<PageRange> added_memory(const std::vector<PageRange>& before, const std::vector<PageRange>& now,
                                    std::uintptr_t at_least);

/// Bytes of a mapped file that are in this process's memory now, not only in the system's.
std::int64_t resident_bytes(const std::filesystem::path& file);

/// Counts the pages that the process touches while it lives, in any thread: it takes all rights to them away, so that the
/// processor stops at the first access to each, counts it and gives the rights back. The system must not be told to read or
/// write there meanwhile, and there may be one at a time.
class TouchedPages {
 public:
  /// @throws std::system_error where the rights cannot be taken
  explicit TouchedPages(std::vector<PageRange> ranges);
  TouchedPages(const TouchedPages&) = delete;
  TouchedPages& operator=(const TouchedPages&) = delete;
  ~TouchedPages();

  /// Of the pages touched so far.
  std::int64_t bytes() const;
};

}  // namespace rung::support
