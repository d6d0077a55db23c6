#include "core/checkpoint/stored_tensor.h"

#include <algorithm>
#include <functional>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

std::string StoredTensor::where() const {
  return file->path().string() + ": tensor " + printable(name);
}

void StoredTensor::require_readable() const {
  if (!unreadable.empty()) throw Error(ErrorKind::bad_input, "{}: {}", where(), unreadable);
}

Shape without_leading_ones(const Shape& shape) {
  if (shape.empty()) return shape;
  const auto first = std::find_if(shape.begin(), shape.end() - 1, [](std::int64_t n) { return n != 1; });
  return {first, shape.end()};
}

std::int64_t stored_bytes(const std::string& where, DType dtype, const Shape& shape) {
  const DTypeInfo& type = info(dtype);
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 1)
      throw Error(ErrorKind::bad_input, "{}: shape {} has an extent below 1", where, to_string(shape));
    if (__builtin_mul_overflow(count, extent, &count)) {
      throw Error(ErrorKind::bad_input, "{}: shape {} has more than 2^63 numbers", where, to_string(shape));
    }
  }
  const std::int64_t row = shape.empty() ? 1 : shape.back();
  if (row % type.block_elements != 0) {
    throw Error(ErrorKind::bad_input, "{}: rows of {} numbers are not whole blocks of {} ({})", where, row,
                type.block_elements, type.name);
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count / type.block_elements, type.block_bytes, &bytes)) {
    throw Error(ErrorKind::bad_input, "{}: shape {} takes more than 2^63 bytes", where, to_string(shape));
  }
  return bytes;
}

void refuse_overlaps(const std::vector<StoredTensor>& tensors) {
  std::vector<const StoredTensor*> by_address;
  by_address.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) by_address.push_back(&tensor);
  // Addresses of different mappings never overlap, so that one order over all files does.
  std::sort(by_address.begin(), by_address.end(), [](const StoredTensor* a, const StoredTensor* b) {
    return std::less<>()(a->view.bytes.data(), b->view.bytes.data());
  });
  for (std::size_t i = 1; i < by_address.size(); ++i) {
    const StoredTensor& low = *by_address[i - 1];
    const StoredTensor& high = *by_address[i];
    if (std::less<>()(high.view.bytes.data(), low.view.bytes.data() + low.view.bytes.size())) {
      throw Error(ErrorKind::bad_input, "{}: tensors {} and {} overlap; the file is damaged",
                  high.file->path().string(), printable(low.name), printable(high.name));
    }
  }
}

}  // namespace rung
