#include "core/oracle/cache_cost.h"

namespace rung::oracle {

std::int64_t kv_bytes(std::int64_t layers, std::int64_t heads, std::int64_t head_dim,
                      std::int64_t number_bytes, std::int64_t positions) {
  std::int64_t of_one = 0;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (std::int64_t head = 0; head < heads; ++head) {
      for (std::int64_t d = 0; d < head_dim; ++d) {
        of_one += number_bytes;  // number d of the key
        of_one += number_bytes;  // number d of the value
      }
    }
  }
  std::int64_t bytes = 0;
  for (std::int64_t position = 0; position < positions; ++position) bytes += of_one;
  return bytes;
}

}  // namespace rung::oracle
