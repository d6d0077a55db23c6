#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace rung {

/// Writes a file piece by piece, whole or not at all: into a temporary neighbour first, which is renamed when
/// everything is in it, so that a full disk or an interruption leaves neither half a file nor a lost old one.
/// What is not a regular file (/dev/stdout, a pipe) is written to directly.
///
/// A program that is killed outright leaves the neighbour, whose name is the file's with `.part` and the
/// process's number.
class WholeFile {
 public:
  /// @throws Error (bad_input) naming the file when it cannot be written; so do append() and finish()
  explicit WholeFile(std::filesystem::path path);
  /// Removes the neighbour, unless finish() has made it the file.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  /// Adds bytes at the end.
  void append(std::span<const std::byte> bytes);
  /// Gives the file its name; `append` may not be called any more.
  /// @param durable  wait until the disk has the bytes, so that a power cut cannot leave an empty file under
  ///                 the name: for files that took long to make
  void finish(bool durable = false);

  /// What it was asked to write.
  const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail(int reason) const;
  void synchronise() const;

  std::filesystem::path path_;
  std::filesystem::path target_;   // path_, or what the link of that name leads to
  std::filesystem::path written_;  // target_ itself when that is no regular file
  int file_ = -1;
};

}  // namespace rung
