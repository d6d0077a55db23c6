#include "core/tensor/decode.h"

#include <cstdint>

#include "core/error.h"
#include "core/tensor/half.h"

// The block layouts are those of ggml (ggml-common.h and the dequantize_row functions of ggml-quants.c):
// facts of the file format. Products of a half-precision scale and a small integer are exact in fp32
// everywhere below except in Q6_K, so that only the order of the two multiplications there matters, and
// whether the compiler fuses a multiply and an add does not.

namespace rung {

namespace {

std::uint8_t byte_at(const std::byte* p) {
  return std::to_integer<std::uint8_t>(*p);
}

std::uint16_t u16_at(const std::byte* p) {
  return static_cast<std::uint16_t>(byte_at(p) | (byte_at(p + 1) << 8));
}

std::uint32_t u32_at(const std::byte* p) {
  return u16_at(p) | (static_cast<std::uint32_t>(u16_at(p + 2)) << 16);
}

float half_at(const std::byte* p) {
  return half_to_float(u16_at(p));
}

// Each of the functions below decodes one block of its type.

void block_f32(const std::byte* in, float* out) {
  *out = std::bit_cast<float>(u32_at(in));
}
void block_f16(const std::byte* in, float* out) {
  *out = half_at(in);
}
void block_bf16(const std::byte* in, float* out) {
  *out = bfloat16_to_float(u16_at(in));
}

// [q8_0]
void block_q8_0(const std::byte* in, float* out) {
  const float scale = half_at(in);
  for (int i = 0; i < 32; ++i)
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(byte_at(in + 2 + i)));
}
// [q8_0]

// The 4- and 5-bit types of 32 hold number i in the low half of byte i and number i + 16 in its high half.

void block_q4_0(const std::byte* in, float* out) {
  const float scale = half_at(in);
  const std::byte* q = in + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((byte_at(q + i) & 15) - 8);
    out[i + 16] = scale * static_cast<float>((byte_at(q + i) >> 4) - 8);
  }
}

// [q4_1]
void block_q4_1(const std::byte* in, float* out) {
  const float scale = half_at(in);
  const float minimum = half_at(in + 2);
  const std::byte* q = in + 4;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(byte_at(q + i) & 15) + minimum;
    out[i + 16] = scale * static_cast<float>(byte_at(q + i) >> 4) + minimum;
  }
}
// [q4_1]

// Fifth bit of number i: bit i of a 32-bit word.
int fifth_bit(std::uint32_t high, int i) {
  return static_cast<int>((high >> i) & 1) << 4;
}

void block_q5_0(const std::byte* in, float* out) {
  const float scale = half_at(in);
  const std::uint32_t high = u32_at(in + 2);
  const std::byte* q = in + 6;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(((byte_at(q + i) & 15) | fifth_bit(high, i)) - 16);
    out[i + 16] = scale * static_cast<float>(((byte_at(q + i) >> 4) | fifth_bit(high, i + 16)) - 16);
  }
}

void block_q5_1(const std::byte* in, float* out) {
  const float scale = half_at(in);
  const float minimum = half_at(in + 2);
  const std::uint32_t high = u32_at(in + 4);
  const std::byte* q = in + 8;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((byte_at(q + i) & 15) | fifth_bit(high, i)) + minimum;
    out[i + 16] = scale * static_cast<float>((byte_at(q + i) >> 4) | fifth_bit(high, i + 16)) + minimum;
  }
}

struct ScaleAndMinimum {
  float scale, minimum;
};

// Q4_K and Q5_K pack the eight 6-bit scales and eight 6-bit minima of a block's sub-blocks of 32 into 12
// bytes: bytes 0-3 hold scales 0-3, bytes 4-7 minima 0-3, in their low 6 bits; scales and minima 4-7 have
// their low 4 bits in the halves of bytes 8-11, and their top 2 bits in the top of bytes 0-3 and 4-7.
ScaleAndMinimum packed_scale(const std::byte* packed, int sub_block) {
  if (sub_block < 4) {
    return {static_cast<float>(byte_at(packed + sub_block) & 63),
            static_cast<float>(byte_at(packed + sub_block + 4) & 63)};
  }
  const int low = byte_at(packed + sub_block + 4);
  return {static_cast<float>((low & 15) | ((byte_at(packed + sub_block - 4) >> 6) << 4)),
          static_cast<float>((low >> 4) | ((byte_at(packed + sub_block) >> 6) << 4))};
}

void block_q4_k(const std::byte* in, float* out) {
  const float super_scale = half_at(in);
  const float super_minimum = half_at(in + 2);
  for (int s = 0; s < 8; ++s) {
    const auto [scale, minimum] = packed_scale(in + 4, s);
    const float d = super_scale * scale;
    const float m = super_minimum * minimum;
    // Two neighbouring sub-blocks share 32 bytes: the even one has the low halves.
    const std::byte* q = in + 16 + 32 * (s / 2);
    const int shift = 4 * (s % 2);
    for (int i = 0; i < 32; ++i) out[32 * s + i] = d * static_cast<float>((byte_at(q + i) >> shift) & 15) - m;
  }
}

void block_q5_k(const std::byte* in, float* out) {
  const float super_scale = half_at(in);
  const float super_minimum = half_at(in + 2);
  const std::byte* high = in + 16;  // bit s of byte i: the fifth bit of number i of sub-block s
  for (int s = 0; s < 8; ++s) {
    const auto [scale, minimum] = packed_scale(in + 4, s);
    const float d = super_scale * scale;
    const float m = super_minimum * minimum;
    const std::byte* q = in + 48 + 32 * (s / 2);
    const int shift = 4 * (s % 2);
    for (int i = 0; i < 32; ++i) {
      const int number = ((byte_at(q + i) >> shift) & 15) | (((byte_at(high + i) >> s) & 1) << 4);
      out[32 * s + i] = d * static_cast<float>(number) - m;
    }
  }
}

void block_q6_k(const std::byte* in, float* out) {
  const std::byte* scales = in + 192;  // 16 int8, one per 16 numbers
  const float super_scale = half_at(in + 208);
  // In each half of 128: numbers 0-63 have their low 4 bits in the low halves of 64 bytes, 64-127 in the high
  // halves; the two top bits of numbers i, i + 32, i + 64, i + 96 share byte i of 32.
  for (int half = 0; half < 2; ++half) {
    const std::byte* low = in + 64 * half;
    const std::byte* high = in + 128 + 32 * half;
    for (int group = 0; group < 8; ++group) {
      const int sixteen = 8 * half + group;
      const float d = super_scale * static_cast<float>(static_cast<std::int8_t>(byte_at(scales + sixteen)));
      const int low_shift = group < 4 ? 0 : 4;
      const int high_shift = 2 * (group / 2);
      for (int i = 0; i < 16; ++i) {
        const int n = 16 * group + i;  // within the half
        const int four = (byte_at(low + n % 64) >> low_shift) & 15;
        const int two = (byte_at(high + n % 32) >> high_shift) & 3;
        out[128 * half + n] = d * static_cast<float>((four | (two << 4)) - 32);
      }
    }
  }
}

template <void (*decode_block)(const std::byte*, float*)>
void decode_blocks(const DTypeInfo& type, std::span<const std::byte> stored, std::span<float> out) {
  const auto blocks = static_cast<std::int64_t>(out.size()) / type.block_elements;
  for (std::int64_t b = 0; b < blocks; ++b) {
    decode_block(stored.data() + b * type.block_bytes, out.data() + b * type.block_elements);
  }
}

}  // namespace

void decode(DType dtype, std::span<const std::byte> stored, std::span<float> out) {
  const DTypeInfo& type = info(dtype);
  const auto block_elements = static_cast<std::size_t>(type.block_elements);
  const auto block_bytes = static_cast<std::size_t>(type.block_bytes);
  if (out.size() % block_elements != 0 || stored.size() % block_bytes != 0 ||
      out.size() / block_elements != stored.size() / block_bytes) {
    throw Error(ErrorKind::bad_input,
                "decode {}: {} bytes do not hold {} numbers; a block of {} numbers takes {} bytes", type.name,
                stored.size(), out.size(), block_elements, block_bytes);
  }
  switch (dtype) {
    case DType::F32:
      return decode_blocks<block_f32>(type, stored, out);
    case DType::F16:
      return decode_blocks<block_f16>(type, stored, out);
    case DType::BF16:
      return decode_blocks<block_bf16>(type, stored, out);
    case DType::Q8_0:
      return decode_blocks<block_q8_0>(type, stored, out);
    case DType::Q4_0:
      return decode_blocks<block_q4_0>(type, stored, out);
    case DType::Q4_1:
      return decode_blocks<block_q4_1>(type, stored, out);
    case DType::Q5_0:
      return decode_blocks<block_q5_0>(type, stored, out);
    case DType::Q5_1:
      return decode_blocks<block_q5_1>(type, stored, out);
    case DType::Q4_K:
      return decode_blocks<block_q4_k>(type, stored, out);
    case DType::Q5_K:
      return decode_blocks<block_q5_k>(type, stored, out);
    case DType::Q6_K:
      return decode_blocks<block_q6_k>(type, stored, out);
  }
  throw Error(ErrorKind::bad_input, "decode: unknown dtype number {}", static_cast<int>(dtype));
}

}  // namespace rung
