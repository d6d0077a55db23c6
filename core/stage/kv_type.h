#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace rung {

/// What one remembered number of a key or value is stored as.
enum class KvType {
  f32,
  f16,  ///< IEEE binary16
  i8,   ///< a byte each, and one fp32 scale for each head of each position
};

inline constexpr std::array<KvType, 3> all_kv_types{KvType::f32, KvType::f16, KvType::i8};
/// What the stages before chapter 07 store.
inline constexpr std::array<KvType, 1> only_f32{KvType::f32};

/// "f32", "f16", "int8".
std::string_view name(KvType type);
/// The type of that name, or nothing.
std::optional<KvType> find_kv_type(std::string_view name);

}  // namespace rung
