#pragma once

#include "cuda/simt/simt.h"

// nvcuda::wmma as CUDA has it: 16 × 16 × 16 with fp16 or bfloat16 in and fp32 sums.

#ifdef __CUDACC__
#include <mma.h>
#else

#include <cstdint>
#include <type_traits>

#include "cuda/simt/tensor_cores.h"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
/// How an accumulator lies in memory.
enum layout_t { mem_row_major, mem_col_major };

/// One lane's share of a 16 × 16 matrix. Which elements these are is not specified, as on a GPU; every fragment of one kind
/// has the same ones.
template <typename Use, int m, int n, int k, typename T, typename Layout = void>
struct fragment {
  static_assert(m == 16 && n == 16 && k == 16, "only 16 x 16 x 16 is here");
  static constexpr int num_elements = 8;
  T x[num_elements];
};

// What nvcc 13.0 makes of these functions for sm_80 and sm_90, as nvdisasm shows it, is what is counted here:
//
//   fragment                    in shared memory           in global memory
//   matrix_a, matrix_b          one ldmatrix.x4            four loads of 4 bytes, two neighbours in memory each
//   accumulator, mem_row_major  four accesses of 8 bytes   the same
//   accumulator, mem_col_major  eight accesses of 4 bytes  the same
//
// A column-major A or a row-major B is read as it lies, and transposed on the way (ldmatrix.trans; MOVM between registers).
// Lane l has numbers 2 (l % 4) and its neighbour, and those 8 further on, of lines l / 4 and l / 4 + 8, as in the fragments
// of mma.m16n8k16. None of them orders memory: after a store, lanes read what others stored only behind a __syncwarp.
namespace detail {

/// What a line of a matrix in memory is in the fragment.
enum class Lines : bool { rows, columns };

// Element i of a lane, as two neighbouring accumulators of mma.m16n8k16.
constexpr unsigned row(unsigned lane, unsigned i) {
  return lane / 4 + i / 2 % 2 * 8;
}
constexpr unsigned column(unsigned lane, unsigned i) {
  return lane % 4 * 2 + i % 2 + i / 4 * 8;
}

/// One lane's part of a product.
struct Product {
  float* d;
  const float* c;
  float a[8], b[8];
};
void multiply(Product& product, rung::simt::Where where);

/// The whole warp fills fragments of 16-bit numbers: element i of a lane is number (row, column) of A, of B number
/// (column, row).
/// @param lines  what lines of memory are: the fragment's rows, which for B are columns
void load_16_bits(std::uint16_t (&x)[8], const void* from, unsigned leading, Lines lines,
                  rung::simt::Where where);
/// The same with fp32 accumulators.
void load_accumulators(float (&x)[8], const float* from, unsigned leading, Lines lines,
                       rung::simt::Where where);
/// And back to memory.
void store_accumulators(float* to, const float (&x)[8], unsigned leading, Lines lines,
                        rung::simt::Where where);

}  // namespace detail

/// Sets every element.
template <typename Fragment, typename T>
void fill_fragment(Fragment& fragment, T value) {
  for (auto& x : fragment.x) x = value;
}

// Inlined, so that what they call knows by its return address which line of the kernel called.

/// Loads a matrix whose rows (columns, where it is col_major) are `leading` elements apart. As on a GPU the address is a
/// multiple of 32 bytes and the distance of 16.
template <typename Use, typename T, typename Layout>
[[gnu::always_inline]] inline void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& f, const T* from,
                                                    unsigned leading,
                                                    rung::simt::Where where = rung::simt::Where::here()) {
  static_assert(sizeof(T) == 2, "only fp16 and bfloat16 are here");
  constexpr bool as_in_fragment = std::is_same_v<Layout, row_major> == std::is_same_v<Use, matrix_a>;
  std::uint16_t bits[8];
  detail::load_16_bits(bits, from, leading, as_in_fragment ? detail::Lines::rows : detail::Lines::columns,
                       where);
  for (unsigned i = 0; i < 8; ++i) f.x[i] = T::from_bits(bits[i]);
}

/// Loads an accumulator.
[[gnu::always_inline]] inline void load_matrix_sync(fragment<accumulator, 16, 16, 16, float>& f,
                                                    const float* from, unsigned leading, layout_t layout,
                                                    rung::simt::Where where = rung::simt::Where::here()) {
  const bool rows = layout == mem_row_major;
  detail::load_accumulators(f.x, from, leading, rows ? detail::Lines::rows : detail::Lines::columns, where);
}

/// Stores an accumulator.
[[gnu::always_inline]] inline void store_matrix_sync(float* to,
                                                     const fragment<accumulator, 16, 16, 16, float>& f,
                                                     unsigned leading, layout_t layout,
                                                     rung::simt::Where where = rung::simt::Where::here()) {
  const bool rows = layout == mem_row_major;
  detail::store_accumulators(to, f.x, leading, rows ? detail::Lines::rows : detail::Lines::columns, where);
}

/// d = a · b + c. How sums are formed: rung::simt::Accumulation.
template <typename T, typename LayoutA, typename LayoutB>
void mma_sync(fragment<accumulator, 16, 16, 16, float>& d,
              const fragment<matrix_a, 16, 16, 16, T, LayoutA>& a,
              const fragment<matrix_b, 16, 16, 16, T, LayoutB>& b,
              const fragment<accumulator, 16, 16, 16, float>& c,
              rung::simt::Where where = rung::simt::Where::here()) {
  detail::Product product{d.x, c.x, {}, {}};
  for (int i = 0; i < 8; ++i) {
    product.a[i] = static_cast<float>(a.x[i]);
    product.b[i] = static_cast<float>(b.x[i]);
  }
  detail::multiply(product, where);
}

}  // namespace nvcuda::wmma
#endif
