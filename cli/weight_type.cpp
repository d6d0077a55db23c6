#include "cli/weight_type.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"

namespace rung {
namespace {

constexpr std::array<std::pair<std::string_view, DType>, 9> types = {{{"q8_0", DType::Q8_0},
                                                                      {"q6_k", DType::Q6_K},
                                                                      {"q5_0", DType::Q5_0},
                                                                      {"q4_k", DType::Q4_K},
                                                                      {"q4_1", DType::Q4_1},
                                                                      {"q4_0", DType::Q4_0},
                                                                      {"f16", DType::F16},
                                                                      {"bf16", DType::BF16},
                                                                      {"f32", DType::F32}}};

}  // namespace

std::string weight_type_names() {
  std::string names;
  for (const auto& [name, dtype] : types) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  return names;
}

DType find_weight_type(const std::string& asked, const std::string& option) {
  std::string lower = asked;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const auto& [name, dtype] : types) {
    if (name == lower) return dtype;
  }
  throw Error(ErrorKind::usage, "{}: expected one of {}, found \"{}\"", option, weight_type_names(), asked);
}

}  // namespace rung
