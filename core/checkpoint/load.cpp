#include <cmath>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "core/tensor/decode.h"

namespace rung {

std::int64_t Tensor::stored_row(std::int64_t r) const {
  if (row_layout != RopeLayout::interleaved || heads == 0) return r;
  // Within a head, half-split order has the first numbers of all pairs and then the second ones; interleaved
  // order has pair after pair.
  const std::int64_t head_dim = view.rows() / heads;
  const std::int64_t in_head = r % head_dim;
  const std::int64_t pair = in_head % (head_dim / 2);
  const std::int64_t second = in_head / (head_dim / 2);
  return r - in_head + 2 * pair + second;
}

namespace {

// Whether all are finite: an infinity or a NaN has all exponent bits set. In integers, so that the loop
// vectorises.
bool all_finite(const float* numbers, std::int64_t count) {
  std::uint32_t worst = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(numbers[i]) & 0x7f800000;
    worst = exponent > worst ? exponent : worst;
  }
  return worst < 0x7f800000;
}

constexpr std::int64_t large = 1 << 16;  // numbers; below, neither large pages nor more threads pay

// Asks for large pages behind fresh memory: most of the time of loading goes into the system handing out half
// a gigabyte in pages of 4 KiB, and reading weights later misses the TLB less. Only advice: it may be
// refused.
void ask_for_large_pages(float* numbers, std::int64_t count) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Rounded outwards, so that neighbouring matrices become one area; the memory around belongs to this
  // process.
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(numbers) / page * page;
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(numbers + count);
  ::madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
}

[[noreturn]] void fail_not_finite(const Tensor& tensor, std::int64_t row, const float* numbers) {
  std::int64_t column = 0;
  while (std::isfinite(numbers[column])) ++column;
  throw Error(ErrorKind::bad_input,
              "{}: tensor {}: the number at row {}, column {} is {}; the file is damaged",
              tensor.file.string(), tensor.stored_name, tensor.stored_row(row), column, numbers[column]);
}

}  // namespace

Matrix load_f32(const Tensor& tensor) {
  const std::int64_t rows = tensor.view.rows();
  const std::int64_t columns = tensor.view.row_elements();
  Matrix matrix(rows, columns);
  if (matrix.size() >= large) ask_for_large_pages(matrix.data(), matrix.size());
  std::int64_t bad_row = rows;  // the first row with a number that is not finite
  // Exceptions must not leave a parallel region; bytes and extents fit each other, so decode() has nothing to
  // say.
#pragma omp parallel for schedule(static) reduction(min : bad_row) if (rows * columns >= large)
  for (std::int64_t row = 0; row < rows; ++row) {
    float* out = matrix.data() + row * columns;
    decode(tensor.view.dtype, tensor.view.row(tensor.stored_row(row)),
           {out, static_cast<std::size_t>(columns)});
    if (!all_finite(out, columns)) bad_row = row < bad_row ? row : bad_row;
  }
  if (bad_row < rows) fail_not_finite(tensor, bad_row, matrix.data() + bad_row * columns);
  return matrix;
}

void load_row(const Tensor& tensor, std::int64_t row, std::span<float> out) {
  decode(tensor.view.dtype, tensor.view.row(tensor.stored_row(row)), out);
  if (!all_finite(out.data(), std::ssize(out))) fail_not_finite(tensor, row, out.data());
}

}  // namespace rung
