// Exercise 2.3: the product. What it must do stands in chapters/02_tensors/matmul.h.
//
// This file takes the place of chapters/02_tensors/matmul.cpp, so it must define what that one does:
// matmul_loops and matmul. The whole model runs on matmul.

#include "chapters/02_tensors/matmul.h"

#include "core/error.h"

namespace rung {

void matmul_loops(const ConstMatrixView& x,  // [T, K]
                  const ConstMatrixView& w,  // [N, K]
                  MatrixView y) {            // [T, N], overwritten
  throw Error(ErrorKind::bad_input,
              "matmul_loops is not written yet: chapters/02_tensors/exercises/README.md, exercise 2.3");
}

// Given: to begin with, no faster way than the loops.
void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  matmul_loops(x, w, y);
}

}  // namespace rung
