#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/number_type.h"
#include "core/tensor/shape.h"

namespace rung::check {

/// A named number that an op needs besides its arrays. Whole numbers and the index of a named choice are
/// doubles too.
struct Param {
  std::string name;
  double value = 0;
};

/// Numbers with a name and a shape, row-major. A row is the last dimension; rows may be apart (`row_stride`
/// numbers from one to the next): what lies between holds NaN and is nobody's business.
struct Array {
  std::string name;
  Shape shape;
  std::int64_t row_stride = 0;  ///< at least shape.back()
  std::vector<float> values;    ///< rows() · row_stride numbers, already rounded to the case's type
  bool whole = false;           ///< whole numbers below 2^24: kernels and files get int32, whatever the type

  /// Numbers in a row.
  std::int64_t columns() const { return shape.back(); }
  /// Product of the other dimensions.
  std::int64_t rows() const { return elements(shape) / shape.back(); }
  /// The numbers of row `r`, 0 <= r < rows().
  std::span<const float> row(std::int64_t r) const {
    return std::span(values).subspan(static_cast<std::size_t>(r * row_stride),
                                     static_cast<std::size_t>(columns()));
  }
  /// All numbers without the gaps between rows, in double.
  std::vector<double> dense() const;
};

/// Where a result is wanted.
struct OutputInfo {
  std::string name;
  Shape shape;
  std::int64_t row_stride = 0;  ///< at least shape.back()
};

/// One problem for a kernel: params and inputs, the same whatever solves it.
struct Case {
  std::string op;
  NumberType type = NumberType::f32;
  std::string name;         ///< "linear-f16-007": unique within an op, type and seed; fit for a file name
  std::string description;  ///< "M=33 N=65 K=129, outliers x20"
  std::uint64_t seed = 0;
  /// Cases of one group are draws of the same problem from different seeds. They stand next to each other;
  /// the rms and row rules judge them together, because the error of a few numbers is mostly luck.
  int group = 0;
  std::vector<Param> params;
  std::vector<Array> inputs;
  std::vector<OutputInfo> outputs;
  std::string in_place = {};  ///< the input whose memory the first output takes; empty: it has its own

  /// @throws Error (usage) when there is none of that name
  double param(std::string_view name) const;
  /// The same for a param that is a whole number.
  std::int64_t integer(std::string_view name) const;
  /// @throws Error (usage) when there is none of that name
  const Array& input(std::string_view name) const;
};

/// The results of a case: per output, all its numbers without gaps.
using Values = std::vector<std::vector<double>>;

}  // namespace rung::check
