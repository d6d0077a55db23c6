#include "core/checkpoint/mapped_file.h"

#include <cerrno>
#include <cstddef>
#include <functional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace rung {

namespace {

/// Closes a file descriptor at the end of its scope; a mapping outlives it.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  const int code = errno;
  throw Error(ErrorKind::bad_input, "{}: {}: {}", path.string(), what, std::generic_category().message(code));
}

}  // namespace

MappedFile MappedFile::open(const std::filesystem::path& path) {
  // Opening a pipe that nobody writes to would wait for ever; O_NONBLOCK means nothing to a regular file.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) fail(path, "cannot be opened");
  struct stat status {};
  if (::fstat(file.number, &status) != 0) fail(path, "cannot be examined");
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::bad_input, "{}: is not a regular file", path.string());
  if (status.st_size == 0) throw Error(ErrorKind::bad_input, "{}: is empty", path.string());
  // [open]
  const auto size = static_cast<std::size_t>(status.st_size);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) fail(path, "cannot be mapped into memory");
  return MappedFile(path, {static_cast<const std::byte*>(start), size});
  // [open]
}

MappedFile::MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  // What this object had mapped goes with `other`.
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

// munmap and madvise take pointers to non-const, although a read-only mapping is never written through them.

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release_pages() const {
  release_pages(bytes_);
}

void MappedFile::release_pages(std::span<const std::byte> part) const {
  const std::less_equal<> not_after;  // of any two addresses, also where they belong to different mappings
  const std::byte* const file_end = bytes_.data() + bytes_.size();
  const std::byte* const part_end = part.data() + part.size();
  if (bytes_.empty() || !not_after(bytes_.data(), part.data()) || !not_after(part_end, file_end)) return;
  // The mapping begins with a page and ends with one, of which the file may fill a part.
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (static_cast<std::size_t>(part.data() - bytes_.data()) + page - 1) / page * page;
  const auto behind = static_cast<std::size_t>(part_end - bytes_.data());
  const std::size_t end = part_end == file_end ? behind : behind / page * page;
  if (first >= end) return;
  // Advice: when the system does not take it, nothing is wrong but the memory figures.
  ::madvise(const_cast<std::byte*>(bytes_.data() + first), end - first, MADV_DONTNEED);
}

}  // namespace rung
