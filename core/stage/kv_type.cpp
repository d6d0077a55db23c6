#include "core/stage/kv_type.h"

namespace rung {

std::string_view name(KvType type) {
  switch (type) {
    case KvType::f16:
      return "f16";
    case KvType::i8:
      return "int8";
    case KvType::f32:
      break;
  }
  return "f32";
}

std::optional<KvType> find_kv_type(std::string_view name) {
  for (const KvType type : all_kv_types) {
    if (rung::name(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace rung
