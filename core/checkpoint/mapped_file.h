#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace rung {

/// A file mapped into memory, read-only: its pages are read when touched and shared with every other process
/// that maps it. The mapping goes with the object; the bytes do not move when the object does.
///
/// A file that somebody shortens while it is mapped raises SIGBUS where it is read behind its new end; no
/// reader can prevent that, so models should be replaced by renaming, not by writing into them.
class MappedFile {
 public:
  /// @throws Error (bad_input) when there is no such file, it is not a regular one, it is empty, or the
  ///         system refuses to map it
  static MappedFile open(const std::filesystem::path& path);

  /// Takes the mapping over; `other` is left without one.
  MappedFile(MappedFile&& other) noexcept;
  /// The same; what this one had mapped is unmapped.
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  /// What it was opened by.
  const std::filesystem::path& path() const { return path_; }
  /// The whole file.
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Tells the system that the pages may go; they come back from the file when they are read again.
  void release_pages() const;
  /// The same for the pages that hold nothing but `part`; the system gives and takes whole pages. Bytes that are not this
  /// file's are left alone.
  void release_pages(std::span<const std::byte> part) const;

 private:
  MappedFile(std::filesystem::path path, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

}  // namespace rung
