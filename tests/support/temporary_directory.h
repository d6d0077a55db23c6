#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace rung::support {

/// A fresh directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// What Error says when the file or directory is opened as a checkpoint and every tensor loaded; "" when
/// nothing is wrong.
std::string complaint(const std::filesystem::path& path);

/// Whether `text` is one line and contains every one of `parts`.
bool one_line_with(const std::string& text, std::initializer_list<std::string_view> parts);

}  // namespace rung::support
