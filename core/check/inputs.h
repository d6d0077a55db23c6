#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/check/case.h"
#include "core/check/random.h"

namespace rung::check {

/// How the numbers of an array are spread: each style brings out other mistakes (rule 4 of the standard).
enum class Style {
  near_one,  ///< between 1 and 2 or −2 and −1: no number counts more than another, for shapes of few numbers
  normal,        ///< N(0, 1)
  row_scales,    ///< N(0, 1), rows times 10^-3 … 10^2: small rows cannot hide behind large ones
  outliers,      ///< N(0, 1) with one number in fifty times 20, at least one a row
  large,         ///< N(0, 1) times 30: logits whose exp overflows
  negative,      ///< −|N(0, 1)|
  cancellation,  ///< every odd number the negative of the one before: sums of products come out small
  wide,  ///< N(0, 1), rows times 10^-20 … 10^15 (fp16: 10^-3 … 10^2): the type's range, not fp16's
  huge,  ///< N(0, 1) times 128: in fp16, sums of products leave its range
};

/// "N(0,1)", "outliers x20", …
std::string_view name(Style style);

/// An array of the given style, rounded to `type`. `gap` numbers, all NaN, lie between its rows.
Array draw_array(NumberType type, Random& random, std::string name, Shape shape, Style style,
                 std::int64_t gap = 0);

/// An array filled by `value(row, column)`, rounded to `type`.
Array fill_array(NumberType type, std::string name, Shape shape,
                 const std::function<double(std::int64_t row, std::int64_t column)>& value,
                 std::int64_t gap = 0);

/// One row of whole numbers below 2^24, positions for example.
Array whole_array(std::string name, std::span<const std::int64_t> numbers);

/// The place for a result. Its gap, as that of every array of a case, had better be its own: else a kernel
/// that takes one array's row stride for another's is right.
OutputInfo output(std::string name, Shape shape, std::int64_t gap = 0);

}  // namespace rung::check
