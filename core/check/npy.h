#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/shape.h"

namespace rung {

/// The element types of .npy files that the project reads and writes. NumPy has no bfloat16: its bits travel
/// as uint16.
enum class NpyType { float16, float32, float64, int32, int64, uint16 };

/// NumPy's own name, "float32".
std::string_view name(NpyType type);
/// Bytes of one element.
std::int64_t size(NpyType type);

/// One array of a .npy file, row-major (C order), little-endian.
struct NpyArray {
  NpyType type = NpyType::float32;
  Shape shape;
  std::vector<std::byte> bytes;

  /// Every element as a double; float16 to float64 and the integers up to 2^53 keep their value. A uint16 is
  /// taken as the integer it is: what it means is known only to who wrote it.
  std::vector<double> as_double() const;
};

/// Reads a .npy file of format version 1 or 2 (NEP 1, numpy/lib/format.py). The memory it takes is bounded by
/// the file's size: the header is believed only as far as the file holds what it promises.
/// @throws Error (bad_input) naming the file, for anything that is not such a file: wrong magic, an unknown
///         element type, big-endian numbers, Fortran order, a shape that the data does not fill or that leaves
///         bytes over
NpyArray read_npy(const std::filesystem::path& path);

/// Writes a .npy file (version 1, C order), whole or not at all: see write_file.
/// @param shape   [] is a scalar
/// @param values  elements(shape) of them
/// @throws Error (bad_input) when the file cannot be written, (usage) when `values` does not fill `shape`
void write_npy(const std::filesystem::path& path, const Shape& shape, std::span<const float> values);
/// The same.
void write_npy(const std::filesystem::path& path, const Shape& shape, std::span<const double> values);
/// The same.
void write_npy(const std::filesystem::path& path, const Shape& shape, std::span<const std::int32_t> values);
/// The same.
void write_npy(const std::filesystem::path& path, const Shape& shape, std::span<const std::int64_t> values);
/// Any type, from its stored bytes.
void write_npy(const std::filesystem::path& path, const Shape& shape, NpyType type,
               std::span<const std::byte> bytes);

/// What stands before the numbers in such a file.
std::string npy_header(const Shape& shape, NpyType type);

}  // namespace rung
