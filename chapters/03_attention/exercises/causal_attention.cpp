// Exercise 3.3: causal attention. What it must do stands in chapters/03_attention/causal_attention.h.
//
// This file takes the place of chapters/03_attention/causal_attention.cpp, so it must define what that one does:
// causal_attention. The softmax that it calls is the chapter's own.

#include "chapters/03_attention/causal_attention.h"

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

void causal_attention(const ConstMatrixView& q,       // [T, heads · D]
                      const ConstMatrixView& keys,    // [S, heads · D]
                      const ConstMatrixView& values,  // [S, heads · D]
                      std::int64_t head_dim,          // D
                      const AttentionSpan& span,      // which positions the rows of q and of keys have
                      MatrixView out) {               // [T, heads · D], overwritten
  throw Error(ErrorKind::bad_input,
              "causal_attention is not written yet: chapters/03_attention/exercises/README.md, exercise 3.3");
}

}  // namespace rung
