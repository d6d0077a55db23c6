#include "chapters/08_quantization/block_matrix.h"

#include <algorithm>
#include <cstring>

#include "chapters/08_quantization/quantize.h"
#include "core/error.h"
#include "core/tensor/decode.h"

namespace rung {

namespace {

/// Where a block has its fp16 numbers: a scale, and a minimum or -1.
struct HalfFields {
  int scale, minimum;
};

HalfFields half_fields(DType type) {
  switch (type) {
    case DType::Q6_K:
      return {208, -1};
    case DType::Q4_1:
    case DType::Q5_1:
    case DType::Q4_K:
    case DType::Q5_K:
      return {0, 2};
    default:
      return {0, -1};
  }
}

/// Whether the scales and minima of all blocks are finite. The whole numbers of a block always are, so then all weights
/// are, and nothing needs to be decoded.
bool scales_are_finite(DType type, std::span<const std::byte> blocks) {
  const HalfFields fields = half_fields(type);
  const auto finite = [](const std::byte* half) {
    return (std::to_integer<int>(half[1]) & 0x7c) != 0x7c;  // all exponent bits set: an infinity or a NaN
  };
  bool all = true;
  for (std::size_t at = 0; at < blocks.size(); at += static_cast<std::size_t>(info(type).block_bytes)) {
    const std::byte* block = blocks.data() + at;
    all = all && finite(block + fields.scale) && (fields.minimum < 0 || finite(block + fields.minimum));
  }
  return all;
}

std::int64_t blocks_of_row(DType type, std::int64_t columns) {
  const std::int64_t elements = info(type).block_elements;
  return (columns + elements - 1) / elements;
}

}  // namespace

DType type_in_stage(IntegerWeights weights, DType stored) {
  if (weights == IntegerWeights::int8) return DType::Q8_0;
  switch (stored) {
    case DType::F32:
    case DType::F16:
    case DType::BF16:
      return DType::Q4_1;
    default:
      return stored;
  }
}

std::int64_t block_row_bytes(DType type, std::int64_t columns) {
  return blocks_of_row(type, columns) * info(type).block_bytes;
}

BlockMatrix::BlockMatrix(const Tensor& tensor, DType type)
    : type_(type),
      rows_(tensor.view.rows()),
      columns_(tensor.view.row_elements()),
      row_bytes_(block_row_bytes(type, columns_)) {
  if (tensor.view.dtype == type) {
    take(tensor);
  } else {
    make(tensor);
  }
}

/// The file's own blocks.
void BlockMatrix::take(const Tensor& tensor) {
  start_ = tensor.view.bytes.data();
  if (tensor.heads > 0 && tensor.row_layout == RopeLayout::interleaved) {
    order_.reserve(static_cast<std::size_t>(rows_));
    for (std::int64_t r = 0; r < rows_; ++r)
      order_.push_back(static_cast<std::int32_t>(tensor.stored_row(r)));
  }
  std::int64_t bad_row = rows_;
#pragma omp parallel for schedule(static) reduction(min : bad_row)
  for (std::int64_t r = 0; r < rows_; ++r) {
    if (!scales_are_finite(type_, row(r))) bad_row = std::min(bad_row, r);
  }
  if (bad_row == rows_) return;
  std::vector<float> numbers(static_cast<std::size_t>(columns_));
  load_row(tensor, bad_row, numbers);  // says which number it is
}

/// Blocks of the file's numbers, a row at a time: the matrix is never there as fp32.
void BlockMatrix::make(const Tensor& tensor) {
  made_.resize(static_cast<std::size_t>(rows_ * row_bytes_));
  start_ = made_.data();
  const std::int64_t filled = blocks_of_row(type_, columns_) * info(type_).block_elements;
  std::int64_t bad_row = rows_;
  // Exceptions must not leave a parallel region: a row that cannot be converted is looked at again behind it.
#pragma omp parallel for schedule(dynamic, 16) reduction(min : bad_row)
  for (std::int64_t r = 0; r < rows_; ++r) {
    std::vector<float> numbers(static_cast<std::size_t>(filled));
    const auto own = std::span(numbers).first(static_cast<std::size_t>(columns_));
    const std::span<std::byte> blocks(&made_[static_cast<std::size_t>(r * row_bytes_)],
                                      static_cast<std::size_t>(row_bytes_));
    bool good = true;
    try {
      load_row(tensor, r, own);
      std::fill(numbers.begin() + columns_, numbers.end(), own.back());
      quantize(type_, numbers, blocks);
      good = scales_are_finite(type_, blocks);
    } catch (const Error&) {
      good = false;
    }
    if (!good) bad_row = std::min(bad_row, r);
  }
  if (bad_row == rows_) return;
  std::vector<float> numbers(static_cast<std::size_t>(columns_));
  load_row(tensor, bad_row, numbers);
  throw Error(ErrorKind::bad_input,
              "{}: tensor {}: row {} has a number too large for {}, whose scales are fp16: at most 65504",
              tensor.file.string(), tensor.stored_name, tensor.stored_row(bad_row), name(type_));
}

Matrix dequantized(const BlockMatrix& matrix) {
  Matrix numbers(matrix.rows(), matrix.columns());
  const DTypeInfo& block = info(matrix.type());
  for (std::int64_t r = 0; r < matrix.rows(); ++r) {
    const auto blocks = matrix.row(r);
    std::vector<float> row(blocks.size() / static_cast<std::size_t>(block.block_bytes) *
                           static_cast<std::size_t>(block.block_elements));
    decode(matrix.type(), blocks, row);
    std::copy_n(row.begin(), matrix.columns(), numbers.row(r).data());
  }
  return numbers;
}

}  // namespace rung
