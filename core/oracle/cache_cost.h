#pragma once

#include <cstdint>

namespace rung::oracle {

/// Bytes that the keys and values of `positions` positions take, counted one number at a time.
std::int64_t kv_bytes(std::int64_t layers, std::int64_t heads, std::int64_t head_dim,
                      std::int64_t number_bytes, std::int64_t positions);

}  // namespace rung::oracle
