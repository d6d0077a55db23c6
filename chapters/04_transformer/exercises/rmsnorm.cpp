// Exercise 4.1: RMSNorm. What it must do stands in chapters/04_transformer/rmsnorm.h.
//
// This file takes the place of chapters/04_transformer/rmsnorm.cpp, so it must define what that one does: rmsnorm.

#include "chapters/04_transformer/rmsnorm.h"

#include "core/error.h"

namespace rung {

void rmsnorm(const ConstMatrixView& x,       // [T, hidden]
             const ConstVectorView& weight,  // [hidden]
             float eps,
             MatrixView out) {  // [T, hidden], overwritten; may be x itself
  throw Error(ErrorKind::bad_input,
              "rmsnorm is not written yet: chapters/04_transformer/exercises/README.md, exercise 4.1");
}

}  // namespace rung
