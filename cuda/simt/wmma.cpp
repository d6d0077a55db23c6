#include "cuda/simt/wmma.h"

#include <cstddef>
#include <cstring>
#include <string>

#include "cuda/simt/collective.h"
#include "cuda/simt/observer.h"

namespace nvcuda::wmma::detail {

namespace {

using rung::simt::MemoryEvent;
using rung::simt::WarpOp;
using rung::simt::Where;
using rung::simt::detail::Collective;

void complete_product(void* const arguments[32], unsigned) {
  float a[16][16], b[16][16], d[16][16];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Product*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned r = row(lane, i), c = column(lane, i);
      a[r][c] = mine.a[i];
      b[c][r] = mine.b[i];  // a lane has neighbours along k of both
      d[r][c] = mine.c[i];
    }
  }
  rung::simt::detail::multiply_add(&d[0][0], &a[0][0], &b[0][0], 16, 16, 16);
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Product*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i) mine.d[i] = d[row(lane, i)][column(lane, i)];
  }
}

/// A matrix in memory.
struct Matrix {
  std::byte* begin;
  unsigned leading;  ///< elements from one line to the next
  Lines lines;
  unsigned element_bytes;

  std::byte* number(unsigned line, unsigned place) const {
    return begin + static_cast<std::size_t>(line * leading + place) * element_bytes;
  }
  /// Of element i of a lane.
  std::byte* element(unsigned lane, unsigned i) const {
    const unsigned r = row(lane, i), c = column(lane, i);
    return lines == Lines::rows ? number(r, c) : number(c, r);
  }
};

/// One lane's part of a load or a store: its eight elements.
struct Transfer {
  Matrix matrix;
  std::byte* elements;
};

// Carried out when all lanes have come, as ldmatrix is.
void complete_load(void* const arguments[32], unsigned) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& [matrix, elements] = *static_cast<const Transfer*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i)
      std::memcpy(elements + std::size_t{i} * matrix.element_bytes, matrix.element(lane, i),
                  matrix.element_bytes);
  }
}
void complete_store(void* const arguments[32], unsigned) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& [matrix, elements] = *static_cast<const Transfer*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i)
      std::memcpy(matrix.element(lane, i), elements + std::size_t{i} * matrix.element_bytes,
                  matrix.element_bytes);
  }
}

constexpr Collective product{WarpOp::wmma, "wmma::mma_sync", complete_product, true};
constexpr Collective load{WarpOp::wmma, "wmma::load_matrix_sync", complete_load, true};
constexpr Collective store{WarpOp::wmma, "wmma::store_matrix_sync", complete_store, true};

/// Fails unless a matrix may be loaded or stored there.
void check_matrix(const Matrix& matrix, Where where) {
  if (reinterpret_cast<std::uintptr_t>(matrix.begin) % 32 != 0) {
    const rung::simt::detail::Aside here;
    rung::simt::detail::fail_here("wmma: the matrix's address is not a multiple of 32 bytes", where);
  }
  if (matrix.leading * matrix.element_bytes % 16 != 0) {
    const rung::simt::detail::Aside here;
    rung::simt::detail::fail_here("wmma: a leading dimension of " + std::to_string(matrix.leading) +
                                      " elements of " + std::to_string(matrix.element_bytes) +
                                      " bytes is not a multiple of 16 bytes",
                                  where);
  }
}

bool is_shared(const void* address) {
  const auto within = [&](const void* low, std::size_t bytes) {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(low) < bytes;
  };
  const rung::simt::ThreadState& thread = *rung::simt::current_thread();
  const rung::simt::ThreadLocalRange fixed = rung::simt::thread_local_range();
  return within(thread.dynamic_low, thread.dynamic_bytes) || within(fixed.low, fixed.bytes);
}

/// Tells who watches of the accesses that a GPU makes for the current lane, see wmma.h.
void tell(const Matrix& matrix, MemoryEvent::Kind kind, Where where, const void* code) {
  rung::simt::Observer* const watching = rung::simt::observer();
  if (watching == nullptr) return;
  const auto access = [&](const void* address, unsigned bytes) {
    watching->memory_event({kind, MemoryEvent::By::wmma, address, bytes, where, code});
  };
  const unsigned lane = rung::simt::detail::lane();
  if (matrix.element_bytes == 2 && is_shared(matrix.begin)) {
    access(matrix.number(lane % 16, lane / 16 * 8), 16);
  } else if (matrix.element_bytes == 2 || matrix.lines == Lines::rows) {
    for (unsigned i = 0; i < 8; i += 2)
      access(matrix.number(row(lane, i), column(lane, i)), 2 * matrix.element_bytes);
  } else {
    for (unsigned i = 0; i < 8; ++i) access(matrix.element(lane, i), matrix.element_bytes);
  }
}

void transfer(const Collective& what, Transfer mine, Where where, const void* code) {
  check_matrix(mine.matrix, where);
  tell(mine.matrix, &what == &store ? MemoryEvent::Kind::write : MemoryEvent::Kind::read, where, code);
  rung::simt::detail::arrive(what, &mine, 0xffffffffu, where);
}

std::byte* bytes_of(const void* address) {
  return static_cast<std::byte*>(const_cast<void*>(address));
}

}  // namespace

void multiply(Product& mine, Where where) {
  rung::simt::detail::arrive(product, &mine, 0xffffffffu, where);
}

void load_16_bits(std::uint16_t (&x)[8], const void* from, unsigned leading, Lines lines, Where where) {
  transfer(load, {{bytes_of(from), leading, lines, 2}, bytes_of(x)}, where, __builtin_return_address(0));
}

void load_accumulators(float (&x)[8], const float* from, unsigned leading, Lines lines, Where where) {
  transfer(load, {{bytes_of(from), leading, lines, 4}, bytes_of(x)}, where, __builtin_return_address(0));
}

void store_accumulators(float* to, const float (&x)[8], unsigned leading, Lines lines, Where where) {
  transfer(store, {{bytes_of(to), leading, lines, 4}, bytes_of(x)}, where, __builtin_return_address(0));
}

}  // namespace nvcuda::wmma::detail
