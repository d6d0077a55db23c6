#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace rung::check {

/// The type of a kernel's inputs and outputs.
enum class NumberType { f32, f16, bf16 };

/// All of them, in the order of the enum.
inline constexpr NumberType number_types[] = {NumberType::f32, NumberType::f16, NumberType::bf16};

/// "f32", "f16", "bf16".
std::string_view name(NumberType type);
/// The type of that name, or nothing.
std::optional<NumberType> number_type(std::string_view name);
/// Bytes of one number: 4 or 2.
std::size_t size_of(NumberType type);

/// Unit round-off u: rounding to nearest changes a normal number x by at most u·|x|. 2^-24, 2^-11, 2^-8.
double unit_roundoff(NumberType type);
/// The distance between subnormal numbers: 2^-149, 2^-24, 2^-133. Rounding changes a tiny x by up to half of
/// it.
double smallest(NumberType type);

/// `value` rounded to nearest (ties to even) and back; exact in float for all three types.
float round_to(NumberType type, double value);

/// Numbers to the type's bytes and back. `bytes` holds size_of(type) · n bytes.
void store(NumberType type, std::span<const float> numbers, std::byte* bytes);
void load(NumberType type, const std::byte* bytes, std::span<float> numbers);

}  // namespace rung::check
