#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>

namespace rung {

/// Reads little-endian numbers and strings one after the other, and never past the end: every length is
/// compared with the bytes that are left before it is used.
class ByteReader {
 public:
  /// @param file  what errors name; must outlive the reader
  ByteReader(const std::filesystem::path& file, std::span<const std::byte> bytes)
      : file_(&file), bytes_(bytes) {}

  /// Bytes read so far.
  std::size_t offset() const { return offset_; }
  /// Bytes not read yet.
  std::size_t remaining() const { return bytes_.size() - offset_; }

  /// The next number of type T.
  /// @param what  what errors say was being read
  /// @throws Error (bad_input) when the bytes end before it does; so do all the others
  template <typename T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  /// GGUF's string: a 64-bit length and as many bytes. A view of the file.
  std::string_view text(std::string_view what);

  /// The next `count` bytes.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what);

  /// Checks that `count` things of at least `least_bytes` each can still follow, so that a count may be used
  /// to loop or to allocate.
  void expect(std::uint64_t count, std::uint64_t least_bytes, std::string_view what) const;

 private:
  const std::filesystem::path* file_;
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace rung
