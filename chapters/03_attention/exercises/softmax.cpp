// Exercise 3.1: softmax. What it must do stands in chapters/03_attention/softmax.h.
//
// This file takes the place of chapters/03_attention/softmax.cpp, so it must define what that one does: softmax.

#include "chapters/03_attention/softmax.h"

#include "core/error.h"

namespace rung {

void softmax(Eigen::Ref<Eigen::RowVectorXf> scores) {  // [n], in place
  throw Error(ErrorKind::bad_input,
              "softmax is not written yet: chapters/03_attention/exercises/README.md, exercise 3.1");
}

}  // namespace rung
