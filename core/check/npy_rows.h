#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "core/files/whole_file.h"

namespace rung {

/// Writes a [rows, columns] float32 .npy file row by row, for matrices that should not be in memory at once.
/// Whole or not at all (WholeFile).
class NpyRows {
 public:
  /// @throws Error (bad_input) naming the file when it cannot be written
  NpyRows(std::filesystem::path path, std::int64_t rows, std::int64_t columns);

  /// @param values  any number of whole rows
  void append(std::span<const float> values);
  /// @throws Error (bad_input) when the file cannot be written, (usage) when rows are missing
  void finish();

 private:
  WholeFile file_;
  std::int64_t missing_;  ///< numbers still to come
};

}  // namespace rung
