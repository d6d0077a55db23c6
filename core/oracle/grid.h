#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rung::oracle {

/// [rows, columns] numbers in double, row-major: the activations of a sequence, one row per token.
struct Grid {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> values;

  Grid() = default;
  /// All zeros.
  Grid(std::int64_t grid_rows, std::int64_t grid_columns)
      : rows(grid_rows),
        columns(grid_columns),
        values(static_cast<std::size_t>(grid_rows) * static_cast<std::size_t>(grid_columns)) {}

  /// The numbers of row `r`, 0 <= r < rows.
  std::span<double> row(std::int64_t r) {
    return std::span(values).subspan(static_cast<std::size_t>(r * columns),
                                     static_cast<std::size_t>(columns));
  }
  /// The same, read-only.
  std::span<const double> row(std::int64_t r) const {
    return std::span(values).subspan(static_cast<std::size_t>(r * columns),
                                     static_cast<std::size_t>(columns));
  }
};

}  // namespace rung::oracle
