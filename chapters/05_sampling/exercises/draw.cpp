// Exercise 5.4: one draw. What it must do stands in chapters/05_sampling/draw.h.
//
// This file takes the place of chapters/05_sampling/draw.cpp, so it must define what that one does: draw.

#include "chapters/05_sampling/draw.h"

#include "core/error.h"

namespace rung {

std::int32_t draw(const Distribution& from, Random& random) {  // likeliest first
  throw Error(ErrorKind::bad_input,
              "draw is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.4");
}

}  // namespace rung
