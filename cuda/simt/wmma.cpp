#include "cuda/simt/wmma.h"

#include <string>

#include "cuda/simt/collective.h"

namespace nvcuda::wmma::detail {

namespace {

void complete(void* const arguments[32], unsigned) {
  float a[16][16], b[16][16], d[16][16];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Product*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned r = row(lane, i), c = column(lane, i);
      a[r][c] = mine.a[i];
      b[r][c] = mine.b[i];
      d[r][c] = mine.c[i];
    }
  }
  rung::simt::detail::multiply_add(&d[0][0], &a[0][0], &b[0][0], 16, 16, 16);
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Product*>(arguments[lane]);
    for (unsigned i = 0; i < 8; ++i) mine.d[i] = d[row(lane, i)][column(lane, i)];
  }
}

constexpr rung::simt::detail::Collective product{rung::simt::WarpOp::wmma, "wmma::mma_sync", complete, true};

}  // namespace

void multiply(Product& mine, rung::simt::Where where) {
  rung::simt::detail::arrive(product, &mine, 0xffffffffu, where);
}

void check_matrix(const void* address, unsigned leading, unsigned element_bytes, rung::simt::Where where) {
  if (reinterpret_cast<std::uintptr_t>(address) % 32 != 0) {
    rung::simt::detail::fail_here("wmma: the matrix's address is not a multiple of 32 bytes", where);
  }
  if (leading * element_bytes % 16 != 0) {
    rung::simt::detail::fail_here("wmma: a leading dimension of " + std::to_string(leading) +
                                      " elements of " + std::to_string(element_bytes) +
                                      " bytes is not a multiple of 16 bytes",
                                  where);
  }
}

}  // namespace nvcuda::wmma::detail
