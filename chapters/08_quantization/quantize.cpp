#include "chapters/08_quantization/quantize.h"

#include <cstdint>
#include <cstring>

#include "chapters/08_quantization/q4_blocks.h"
#include "chapters/08_quantization/q4_k.h"
#include "chapters/08_quantization/q5_0.h"
#include "chapters/08_quantization/q6_k.h"
#include "chapters/08_quantization/q8_0.h"
#include "core/error.h"
#include "core/tensor/half.h"

namespace rung {

namespace {

void put_two_bytes(std::uint16_t bits, std::span<std::byte, 2> out) {
  out[0] = static_cast<std::byte>(bits & 255);
  out[1] = static_cast<std::byte>(bits >> 8);
}
void round_to_f32(std::span<const float, 1> number, std::span<std::byte, 4> out) {
  std::memcpy(out.data(), number.data(), out.size());
}
void round_to_f16(std::span<const float, 1> number, std::span<std::byte, 2> out) {
  put_two_bytes(float_to_half(number[0]), out);
}
void round_to_bf16(std::span<const float, 1> number, std::span<std::byte, 2> out) {
  put_two_bytes(float_to_bfloat16(number[0]), out);
}

/// Block after block.
template <std::size_t Elements, std::size_t Bytes>
void quantize_blocks(void (*quantize_block)(std::span<const float, Elements>, std::span<std::byte, Bytes>),
                     std::span<const float> numbers, std::span<std::byte> stored) {
  for (std::size_t b = 0; b < numbers.size() / Elements; ++b) {
    quantize_block(numbers.subspan(b * Elements).first<Elements>(), stored.subspan(b * Bytes).first<Bytes>());
  }
}

}  // namespace

bool can_quantize(DType dtype) {
  return dtype != DType::Q5_1 && dtype != DType::Q5_K;
}

void quantize(DType dtype, std::span<const float> numbers, std::span<std::byte> stored) {
  const DTypeInfo& type = info(dtype);
  const auto block_elements = static_cast<std::size_t>(type.block_elements);
  const auto block_bytes = static_cast<std::size_t>(type.block_bytes);
  if (numbers.size() % block_elements != 0 || stored.size() % block_bytes != 0 ||
      numbers.size() / block_elements != stored.size() / block_bytes) {
    throw Error(ErrorKind::bad_input,
                "quantize {}: {} numbers do not fill {} bytes; a block of {} numbers takes {} bytes",
                type.name, numbers.size(), stored.size(), block_elements, block_bytes);
  }
  switch (dtype) {
    case DType::F32:
      return quantize_blocks(round_to_f32, numbers, stored);
    case DType::F16:
      return quantize_blocks(round_to_f16, numbers, stored);
    case DType::BF16:
      return quantize_blocks(round_to_bf16, numbers, stored);
    case DType::Q8_0:
      return quantize_blocks(quantize_q8_0, numbers, stored);
    case DType::Q4_0:
      return quantize_blocks(quantize_q4_0, numbers, stored);
    case DType::Q4_1:
      return quantize_blocks(quantize_q4_1, numbers, stored);
    case DType::Q5_0:
      return quantize_blocks(quantize_q5_0, numbers, stored);
    case DType::Q4_K:
      return quantize_blocks(quantize_q4_k, numbers, stored);
    case DType::Q6_K:
      return quantize_blocks(quantize_q6_k, numbers, stored);
    case DType::Q5_1:
    case DType::Q5_K:
      break;
  }
  throw Error(ErrorKind::bad_input, "quantize: {} is read, but not written; Q5_0, Q6_K and others are",
              type.name);
}

}  // namespace rung
