// Exercise 6.1: what a cache costs. What the four functions must do stands in chapters/06_kv_cache/cache_cost.h.
//
// This file takes the place of chapters/06_kv_cache/cache_cost.cpp, so it must define what that one does.

#include "chapters/06_kv_cache/cache_cost.h"

#include "core/error.h"

namespace rung {

std::int64_t position_bytes(const CacheShape& shape) {
  throw Error(ErrorKind::bad_input,
              "position_bytes is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.1");
}

std::int64_t cache_bytes(const CacheShape& shape, std::int64_t sequences, std::int64_t positions) {
  throw Error(ErrorKind::bad_input,
              "cache_bytes is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.1");
}

std::int64_t step_bytes(const CacheShape& shape, std::int64_t past) {
  throw Error(ErrorKind::bad_input,
              "step_bytes is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.1");
}

std::int64_t positions_in(const CacheShape& shape, std::int64_t bytes) {
  throw Error(ErrorKind::bad_input,
              "positions_in is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.1");
}

}  // namespace rung
