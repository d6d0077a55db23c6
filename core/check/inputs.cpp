#include "core/check/inputs.h"

#include <cmath>
#include <limits>

namespace rung::check {

std::string_view name(Style style) {
  switch (style) {
    case Style::near_one:
      return "+-[1,2)";
    case Style::normal:
      return "N(0,1)";
    case Style::row_scales:
      return "mixed row scales";
    case Style::outliers:
      return "outliers x20";
    case Style::large:
      return "large x30";
    case Style::negative:
      return "negative";
    case Style::cancellation:
      return "cancellation";
    case Style::wide:
      return "wide range";
    case Style::huge:
      return "huge x128";
  }
  return "?";
}

Array fill_array(NumberType type, std::string name, Shape shape,
                 const std::function<double(std::int64_t row, std::int64_t column)>& value,
                 std::int64_t gap) {
  Array array{.name = std::move(name), .shape = std::move(shape), .values = {}};
  array.row_stride = array.columns() + gap;
  array.values.assign(static_cast<std::size_t>(array.rows() * array.row_stride),
                      std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t r = 0; r < array.rows(); ++r) {
    for (std::int64_t c = 0; c < array.columns(); ++c) {
      array.values[r * array.row_stride + c] = round_to(type, value(r, c));
    }
  }
  return array;
}

Array draw_array(NumberType type, Random& random, std::string name, Shape shape, Style style,
                 std::int64_t gap) {
  // N(0, 1) ends at 6, fp16 at 65504; and a square of any of these stays within fp32.
  static constexpr double wide[] = {1e5, 1e-20, 1e15, 1e-6};
  static constexpr double wide_f16[] = {1e1, 1e-3, 1e2, 1e-2};
  const std::int64_t columns = shape.back();
  double before = 0;
  std::int64_t outlier = 0;
  const auto value = [&](std::int64_t row, std::int64_t column) {
    const double x = random.normal();
    switch (style) {
      case Style::near_one:
        return x < 0 ? random.uniform() - 2 : 1 + random.uniform();
      case Style::normal:
        return x;
      case Style::row_scales:
        return x * std::pow(10.0, static_cast<double>(row % 6) - 3);
      case Style::outliers:
        if (column % 50 == 0) outlier = column + random.below(std::min<std::int64_t>(50, columns - column));
        return column == outlier ? 20 * x : x;
      case Style::large:
        return 30 * x;
      case Style::negative:
        return -std::abs(x);
      case Style::cancellation:
        before = column % 2 == 1 ? -before : x;
        return before;
      case Style::wide:
        return x * (type == NumberType::f16 ? wide_f16 : wide)[row % 4];
      case Style::huge:
        return 128 * x;
    }
    return x;
  };
  return fill_array(type, std::move(name), std::move(shape), value, gap);
}

Array whole_array(std::string name, std::span<const std::int64_t> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  return {.name = std::move(name),
          .shape = {n},
          .row_stride = n,
          .values = std::vector<float>(numbers.begin(), numbers.end()),
          .whole = true};
}

OutputInfo output(std::string name, Shape shape, std::int64_t gap) {
  OutputInfo info{.name = std::move(name), .shape = std::move(shape), .row_stride = 0};
  info.row_stride = info.shape.back() + gap;
  return info;
}

}  // namespace rung::check
