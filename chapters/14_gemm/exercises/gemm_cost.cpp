// Exercise 14.1: what a product costs. What the two functions must do stands in chapters/14_gemm/gemm_cost.h.
//
// This file takes the place of chapters/14_gemm/gemm_cost.cpp, so it must define what that one does.

#include "chapters/14_gemm/gemm_cost.h"

#include "core/error.h"

namespace rung {

std::int64_t tiled_bytes(const TiledProduct& product) {
  throw Error(ErrorKind::bad_input,
              "tiled_bytes is not written yet: chapters/14_gemm/exercises/README.md, exercise 14.1");
}

int wavefronts(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  throw Error(ErrorKind::bad_input,
              "wavefronts is not written yet: chapters/14_gemm/exercises/README.md, exercise 14.1");
}

}  // namespace rung
