#include "chapters/06_kv_cache/cache_cost.h"

namespace rung {

std::int64_t position_bytes(const CacheShape& shape) {
  return 2 * shape.layers * shape.heads * shape.head_dim * shape.number_bytes;  // 2: a key and a value
}

std::int64_t cache_bytes(const CacheShape& shape, std::int64_t sequences, std::int64_t positions) {
  return sequences * positions * position_bytes(shape);
}

std::int64_t step_bytes(const CacheShape& shape, std::int64_t past) {
  return past * position_bytes(shape);
}

std::int64_t positions_in(const CacheShape& shape, std::int64_t bytes) {
  return bytes / position_bytes(shape);
}

}  // namespace rung
