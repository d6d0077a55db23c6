#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rung {

/// How the numbers of a tensor are stored. The Q… types are ggml's block formats: a row is a sequence of
/// blocks, each with its own scale (and minimum), so a row's length is a multiple of `block_elements`.
enum class DType { F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K };

/// The block of a dtype: `block_elements` numbers in `block_bytes` bytes. 1 element for F32, F16 and BF16.
struct DTypeInfo {
  std::string_view name;
  std::int64_t block_elements;
  std::int64_t block_bytes;
};

/// Facts about `dtype`; the sizes are those of ggml's `ggml-common.h`.
const DTypeInfo& info(DType dtype);

/// "F32", "Q4_1", …
inline std::string_view name(DType dtype) {
  return info(dtype).name;
}

}  // namespace rung
