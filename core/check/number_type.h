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
/// What may be lost near zero, where u·|x| says too little: half the distance between f16's subnormal
/// numbers, 2^-25; for f32 and bf16 the smallest normal number, 2^-126, because hardware may flush what is
/// below it to zero.
double underflow(NumberType type);

/// `value` rounded to nearest (ties to even) and back; exact in float for all three types.
float round_to(NumberType type, double value);
/// `value` rounded towards zero: what cutting off the low bits does.
float truncate_to(NumberType type, double value);

/// Numbers to the type's bytes.
/// @param bytes  room for size_of(type) · n
void store(NumberType type, std::span<const float> numbers, std::byte* bytes);
/// And back.
void load(NumberType type, const std::byte* bytes, std::span<float> numbers);

/// Whole numbers to int32.
/// @param bytes  room for 4 · n
void store_whole(std::span<const float> numbers, std::byte* bytes);
/// And back.
void load_whole(const std::byte* bytes, std::span<float> numbers);

}  // namespace rung::check
