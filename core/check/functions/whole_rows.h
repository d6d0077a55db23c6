#pragma once

#include <cstdint>
#include <limits>
#include <vector>

// Matrices of small whole numbers, whose sums and products are exact in fp32: a right kernel is right to the last bit.

namespace rung::check {

/// A whole number from -4 to 4 that depends on both, and on neither alone.
inline double whole(std::int64_t row, std::int64_t column) {
  return static_cast<double>((row * 7 + column * 5 + row * column % 11) % 9 - 4);
}

/// Rows of such numbers as they lie in memory, and `gap` times NaN between two rows: no right result holds it, not even
/// where it was multiplied by 0.
/// @param salt  another one gives other numbers
inline std::vector<double> whole_rows(std::int64_t rows, std::int64_t columns, std::int64_t gap,
                                      std::int64_t salt) {
  std::vector<double> numbers;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns + (r + 1 < rows ? gap : 0); ++c)
      numbers.push_back(c < columns ? whole(r + salt, c) : std::numeric_limits<double>::quiet_NaN());
  }
  return numbers;
}

}  // namespace rung::check
