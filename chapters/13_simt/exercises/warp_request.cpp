// Exercise 13.1: what a warp asks for. What the two functions must do stands in chapters/13_simt/warp_request.h.
//
// This file takes the place of chapters/13_simt/warp_request.cpp, so it must define what that one does.

#include "chapters/13_simt/warp_request.h"

#include "core/error.h"

namespace rung {

int sectors(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  throw Error(ErrorKind::bad_input,
              "sectors is not written yet: chapters/13_simt/exercises/README.md, exercise 13.1");
}

int fewest_sectors(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  throw Error(ErrorKind::bad_input,
              "fewest_sectors is not written yet: chapters/13_simt/exercises/README.md, exercise 13.1");
}

}  // namespace rung
