#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>

namespace rung {

/// Writes a [rows, columns] float32 .npy file row by row, for matrices that should not be in memory at once.
/// Like write_file, whole or not at all: into a temporary neighbour that is renamed at the end and removed if
/// that never comes; what is not a regular file (/dev/stdout) is written to directly.
class NpyRows {
 public:
  /// @throws Error (bad_input) naming the file when it cannot be written
  NpyRows(std::filesystem::path path, std::int64_t rows, std::int64_t columns);
  ~NpyRows();
  NpyRows(const NpyRows&) = delete;
  NpyRows& operator=(const NpyRows&) = delete;

  /// @param values  any number of whole rows
  void append(std::span<const float> values);
  /// @throws Error (bad_input) when the file cannot be written, (usage) when rows are missing
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path path_, written_;
  std::ofstream file_;
  std::int64_t missing_;  ///< numbers still to come
  bool finished_ = false;
};

}  // namespace rung
