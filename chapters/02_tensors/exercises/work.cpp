// Exercise 2.4: what a product costs. What it must do stands in chapters/02_tensors/work.h.
//
// This file takes the place of chapters/02_tensors/work.cpp, so it must define what that one does: linear_work.

#include "chapters/02_tensors/work.h"

#include "core/error.h"

namespace rung {

measure::Work linear_work(std::int64_t rows,  // T
                          std::int64_t out,   // N
                          std::int64_t in,    // K
                          DType weight) {     // how the N · K weights are stored
  const DTypeInfo& type = info(weight);
  if (rows < 1 || out < 1 || in < 1 || in % type.block_elements != 0) {
    throw Error(ErrorKind::usage,
                "linear work: expected extents of at least 1 and rows of whole blocks of {}, found T = {}, "
                "N = {}, K = {}",
                type.block_elements, rows, out, in);
  }
  throw Error(ErrorKind::bad_input,
              "linear_work is not written yet: chapters/02_tensors/exercises/README.md, exercise 2.4");
}

}  // namespace rung
