#pragma once

#include "cuda/simt/simt.h"

// nvcuda::wmma as CUDA has it: 16 × 16 × 16 with fp16 or bfloat16 in and fp32 sums.

#ifdef __CUDACC__
#include <mma.h>
#else

#include <cstdint>
#include <string>
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

namespace detail {

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
/// Fails unless a matrix may be loaded or stored there.
void check_matrix(const void* address, unsigned leading, unsigned element_bytes, rung::simt::Where where);

}  // namespace detail

/// Sets every element.
template <typename Fragment, typename T>
void fill_fragment(Fragment& fragment, T value) {
  for (auto& x : fragment.x) x = value;
}

/// Loads a matrix whose rows (columns, where it is col_major) are `leading` elements apart. As on a GPU the address is a
/// multiple of 32 bytes and the distance of 16.
template <typename Use, typename T, typename Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& f, const T* from, unsigned leading,
                      rung::simt::Where where = rung::simt::Where::here()) {
  detail::check_matrix(from, leading, sizeof(T), where);
  const unsigned lane = rung::simt::detail::lane();
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned r = detail::row(lane, i), c = detail::column(lane, i);
    f.x[i] = from[std::is_same_v<Layout, col_major> ? c * leading + r : r * leading + c];
  }
  __syncwarp(0xffffffffu, where);
}

/// Loads an accumulator.
template <typename T>
void load_matrix_sync(fragment<accumulator, 16, 16, 16, T>& f, const T* from, unsigned leading,
                      layout_t layout, rung::simt::Where where = rung::simt::Where::here()) {
  detail::check_matrix(from, leading, sizeof(T), where);
  const unsigned lane = rung::simt::detail::lane();
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned r = detail::row(lane, i), c = detail::column(lane, i);
    f.x[i] = from[layout == mem_col_major ? c * leading + r : r * leading + c];
  }
  __syncwarp(0xffffffffu, where);
}

/// Stores an accumulator.
template <typename T>
void store_matrix_sync(T* to, const fragment<accumulator, 16, 16, 16, T>& f, unsigned leading,
                       layout_t layout, rung::simt::Where where = rung::simt::Where::here()) {
  detail::check_matrix(to, leading, sizeof(T), where);
  const unsigned lane = rung::simt::detail::lane();
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned r = detail::row(lane, i), c = detail::column(lane, i);
    to[layout == mem_col_major ? c * leading + r : r * leading + c] = f.x[i];
  }
  __syncwarp(0xffffffffu, where);
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
