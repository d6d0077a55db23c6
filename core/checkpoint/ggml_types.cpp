#include "core/checkpoint/ggml_types.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace rung {

namespace {

constexpr std::array<std::pair<DType, std::uint32_t>, 11> numbers = {{{DType::F32, 0},
                                                                      {DType::F16, 1},
                                                                      {DType::Q4_0, 2},
                                                                      {DType::Q4_1, 3},
                                                                      {DType::Q5_0, 6},
                                                                      {DType::Q5_1, 7},
                                                                      {DType::Q8_0, 8},
                                                                      {DType::Q4_K, 12},
                                                                      {DType::Q5_K, 13},
                                                                      {DType::Q6_K, 14},
                                                                      {DType::BF16, 30}}};

}  // namespace

std::optional<DType> dtype_of_ggml(std::uint32_t ggml_type) {
  for (const auto& [dtype, number] : numbers) {
    if (number == ggml_type) return dtype;
  }
  return std::nullopt;
}

std::uint32_t ggml_number(DType dtype) {
  for (const auto& [known, number] : numbers) {
    if (known == dtype) return number;
  }
  throw Error(ErrorKind::bad_input, "GGUF has no number for dtype number {}", static_cast<int>(dtype));
}

std::string ggml_type_name(std::uint32_t ggml_type) {
  constexpr std::array<std::string_view, 36> names = {
      "",        "",      "",       "",      "Q4_2",  "Q4_3",   "",     "",        "",
      "Q8_1",    "Q2_K",  "Q3_K",   "",      "",      "",       "Q8_K", "IQ2_XXS", "IQ2_XS",
      "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",   "I16",     "I32",
      "I64",     "F64",   "IQ1_M",  "",      "",      "",       "",     "TQ1_0",   "TQ2_0"};
  const std::string_view known = ggml_type < names.size() ? names[ggml_type] : "";
  return known.empty() ? "number " + std::to_string(ggml_type) : std::string(known);
}

}  // namespace rung
