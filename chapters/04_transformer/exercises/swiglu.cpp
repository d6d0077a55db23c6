// Exercise 4.2: SwiGLU. What it must do stands in chapters/04_transformer/swiglu.h.
//
// This file takes the place of chapters/04_transformer/swiglu.cpp, so it must define what that one does: swiglu.
// The three matrices around it are the chapter's own.

#include "chapters/04_transformer/swiglu.h"

#include "core/error.h"

namespace rung {

void swiglu(const ConstMatrixView& gate,  // [T, n]
            const ConstMatrixView& up,    // [T, n]
            MatrixView out) {             // [T, n], overwritten; may be gate or up itself
  throw Error(ErrorKind::bad_input,
              "swiglu is not written yet: chapters/04_transformer/exercises/README.md, exercise 4.2");
}

}  // namespace rung
