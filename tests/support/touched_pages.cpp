#include "tests/support/touched_pages.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace rung::support {

namespace {

std::uintptr_t page_bytes() {
  static const auto bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Pages that are watched, and which of them were touched.
struct Watched {
  PageRange range;
  std::unique_ptr<std::atomic<bool>[]> touched;  ///< a page each
};

// What the handler of a signal reads.
std::vector<Watched> watched;
std::atomic<std::int64_t> pages_touched;
struct sigaction handler_before;

int rights(const PageRange& range) {
  return range.writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

// Calls nothing but mprotect, a system call: it runs wherever a thread was stopped.
void on_access(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const Watched& one : watched) {
    if (address < one.range.first || address >= one.range.end) continue;
    const std::uintptr_t page = (address - one.range.first) / page_bytes();
    if (!one.touched[page].exchange(true)) ++pages_touched;
    ::mprotect(reinterpret_cast<void*>(one.range.first + page * page_bytes()), page_bytes(),
               rights(one.range));
    return;
  }
  ::sigaction(SIGSEGV, &handler_before, nullptr);  // somebody's mistake: it happens again, and is seen
}

void protect(const PageRange& range, int to) {
  if (::mprotect(reinterpret_cast<void*>(range.first), range.end - range.first, to) != 0)
    throw std::system_error(errno, std::generic_category(), "mprotect");
}

}  // namespace

PageRange pages_of_file(std::span<const std::byte> bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t page = page_bytes();
  return {.first = first / page * page,
          .end = (first + bytes.size() + page - 1) / page * page,
          .writable = false};
}

std::vector<PageRange> anonymous_memory() {
  std::vector<PageRange> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    PageRange range;
    char dash = 0;
    std::string may, offset, device, inode, path;
    words >> std::hex >> range.first >> dash >> range.end >> may >> offset >> device >> inode >> path;
    if (may.starts_with("rw") && path.empty()) found.push_back(range);
  }
  return found;
}

std::vector<PageRange> added_memory(const std::vector<PageRange>& before, const std::vector<PageRange>& now,
                                    std::uintptr_t at_least) {
  std::vector<PageRange> added;
  const auto add = [&](std::uintptr_t first, std::uintptr_t end) {
    if (end >= first + at_least) added.push_back({.first = first, .end = end});
  };
  for (PageRange range : now) {
    for (const PageRange& old : before) {  // by rising address
      if (old.end <= range.first || old.first >= range.end) continue;
      if (old.first > range.first) add(range.first, old.first);
      range.first = std::min(old.end, range.end);
    }
    add(range.first, range.end);
  }
  return added;
}

std::int64_t resident_bytes(const std::filesystem::path& file) {
  std::int64_t bytes = 0;
  bool of_file = false;
  std::ifstream maps("/proc/self/smaps");
  for (std::string line; std::getline(maps, line);) {
    // A line with addresses and the path begins a mapping; "Rss:    4 kB" and others follow.
    std::istringstream words(line);
    std::string first;
    std::int64_t kibibytes = 0;
    words >> first;
    if (!first.ends_with(':')) of_file = line.ends_with(file.string());
    if (of_file && first == "Rss:" && words >> kibibytes) bytes += 1024 * kibibytes;
  }
  return bytes;
}

TouchedPages::TouchedPages(std::vector<PageRange> ranges) {
  pages_touched = 0;
  for (const PageRange& range : ranges) {
    const std::size_t pages = (range.end - range.first) / page_bytes();
    watched.push_back({.range = range, .touched = std::make_unique<std::atomic<bool>[]>(pages)});
  }
  struct sigaction handler {};
  handler.sa_sigaction = on_access;
  handler.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &handler, &handler_before);
  for (const Watched& one : watched) protect(one.range, PROT_NONE);
}

TouchedPages::~TouchedPages() {
  for (const Watched& one : watched)
    ::mprotect(reinterpret_cast<void*>(one.range.first), one.range.end - one.range.first, rights(one.range));
  ::sigaction(SIGSEGV, &handler_before, nullptr);
  watched.clear();
}

std::int64_t TouchedPages::bytes() const {
  return pages_touched * static_cast<std::int64_t>(page_bytes());
}

}  // namespace rung::support
