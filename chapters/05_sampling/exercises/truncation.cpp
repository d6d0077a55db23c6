// Exercise 5.2: the three truncations. What they must do stands in chapters/05_sampling/truncation.h.
//
// This file takes the place of chapters/05_sampling/truncation.cpp, so it must define what that one does:
// top_k, top_p and min_p.

#include "chapters/05_sampling/truncation.h"

#include "core/error.h"

namespace rung {

Distribution top_k(Distribution from, std::int64_t k) {  // likeliest first
  throw Error(ErrorKind::bad_input,
              "top_k is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.2");
}

Distribution top_p(Distribution from, double p) {
  throw Error(ErrorKind::bad_input,
              "top_p is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.2");
}

Distribution min_p(Distribution from, double share) {
  throw Error(ErrorKind::bad_input,
              "min_p is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.2");
}

}  // namespace rung
