#include "core/check/number_type.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/tensor/half.h"

namespace rung::check {

std::string_view name(NumberType type) {
  switch (type) {
    case NumberType::f32:
      return "f32";
    case NumberType::f16:
      return "f16";
    case NumberType::bf16:
      return "bf16";
  }
  return "?";
}

std::optional<NumberType> number_type(std::string_view wanted) {
  for (const NumberType type : number_types) {
    if (name(type) == wanted) return type;
  }
  return std::nullopt;
}

std::size_t size_of(NumberType type) {
  return type == NumberType::f32 ? 4 : 2;
}

double unit_roundoff(NumberType type) {
  switch (type) {
    case NumberType::f32:
      return 0x1p-24;
    case NumberType::f16:
      return 0x1p-11;
    case NumberType::bf16:
      return 0x1p-8;
  }
  return 0;
}

double underflow(NumberType type) {
  return type == NumberType::f16 ? 0x1p-25 : 0x1p-126;
}

float round_to(NumberType type, double value) {
  const auto single = static_cast<float>(value);
  switch (type) {
    case NumberType::f32:
      return single;
    case NumberType::f16:
      return half_to_float(float_to_half(single));
    case NumberType::bf16:
      return bfloat16_to_float(float_to_bfloat16(single));
  }
  return single;
}

float truncate_to(NumberType type, double value) {
  const float rounded = round_to(type, value);
  if (!(std::abs(static_cast<double>(rounded)) > std::abs(value))) return rounded;
  // Rounded away from zero: one step back. The three formats keep sign and magnitude, so it is the next lower
  // bits.
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(rounded);
  switch (type) {
    case NumberType::f32:
      return std::bit_cast<float>(bits - 1);
    case NumberType::bf16:
      return std::bit_cast<float>(bits - 0x10000);
    case NumberType::f16:
      return half_to_float(static_cast<std::uint16_t>(float_to_half(rounded) - 1));
  }
  return rounded;
}

void store(NumberType type, std::span<const float> numbers, std::byte* bytes) {
  if (type == NumberType::f32) {
    if (!numbers.empty()) std::memcpy(bytes, numbers.data(), numbers.size_bytes());
    return;
  }
  for (const float number : numbers) {
    const std::uint16_t stored = type == NumberType::f16 ? float_to_half(number) : float_to_bfloat16(number);
    std::memcpy(bytes, &stored, sizeof stored);
    bytes += sizeof stored;
  }
}

void load(NumberType type, const std::byte* bytes, std::span<float> numbers) {
  if (type == NumberType::f32) {
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes, numbers.size_bytes());
    return;
  }
  for (float& number : numbers) {
    std::uint16_t stored = 0;
    std::memcpy(&stored, bytes, sizeof stored);
    bytes += sizeof stored;
    number = type == NumberType::f16 ? half_to_float(stored) : bfloat16_to_float(stored);
  }
}

void store_whole(std::span<const float> numbers, std::byte* bytes) {
  for (const float number : numbers) {
    const auto whole = static_cast<std::int32_t>(number);
    std::memcpy(bytes, &whole, sizeof whole);
    bytes += sizeof whole;
  }
}

void load_whole(const std::byte* bytes, std::span<float> numbers) {
  for (float& number : numbers) {
    std::int32_t whole = 0;
    std::memcpy(&whole, bytes, sizeof whole);
    bytes += sizeof whole;
    number = static_cast<float>(whole);
  }
}

}  // namespace rung::check
