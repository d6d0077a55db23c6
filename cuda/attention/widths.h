#pragma once

#include "core/error.h"
#include "cuda/attention/attention.h"

namespace rung::cuda {

/// Kernels are compiled for a few widths of a head, since what a thread keeps in registers needs an index known to the
/// compiler. Calls `of_width.operator()<width>()` with the first of the widths that has room for the head.
/// @throws Error (unsupported) when none has
template <int width, int... wider, typename OfWidth>
void with_width(int head_dim, OfWidth&& of_width) {
  if (head_dim <= width) {
    of_width.template operator()<width>();
  } else if constexpr (sizeof...(wider) > 0) {
    with_width<wider...>(head_dim, of_width);
  } else {
    // nvcc cannot check {fmt}'s format strings while it compiles.
    throw Error(ErrorKind::unsupported,
                fmt::runtime("attention: heads of {} numbers; these kernels have room for {}"), head_dim,
                width);
  }
}

/// Blocks of `size` that cover `count`.
__host__ __device__ constexpr int tiles_of(int count, int size) {
  return (count + size - 1) / size;
}

}  // namespace rung::cuda
