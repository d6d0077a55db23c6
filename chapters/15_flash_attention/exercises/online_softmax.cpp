// Exercise 15.1: a softmax whose scores come one after the other. What the functions must do stands in
// chapters/15_flash_attention/online_softmax.h.
//
// This file takes the place of chapters/15_flash_attention/online_softmax.cpp, so it must define what that one does.

#include "chapters/15_flash_attention/online_softmax.h"

#include "core/error.h"

namespace rung {

OnlineSoftmax OnlineSoftmax::none(std::size_t size) {
  throw Error(ErrorKind::bad_input,
              "none is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.1");
}

void add_key(OnlineSoftmax& state, float score, std::span<const float> value) {
  throw Error(ErrorKind::bad_input,
              "add_key is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.1");
}

OnlineSoftmax merged(const OnlineSoftmax& a, const OnlineSoftmax& b) {
  throw Error(ErrorKind::bad_input,
              "merged is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.1");
}

}  // namespace rung
