#include "chapters/08_quantization/functions.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "chapters/08_quantization/quantize.h"
#include "core/check/functions/block_quantization.h"

namespace rung {
namespace {

std::vector<std::uint8_t> run_block_quantization(const check::BlockQuantizationInput& input) {
  const DTypeInfo& type = info(input.type);
  std::vector<std::uint8_t> bytes(input.numbers.size() / static_cast<std::size_t>(type.block_elements) *
                                  static_cast<std::size_t>(type.block_bytes));
  quantize(input.type, input.numbers, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace

std::vector<check::JudgedFunction> quantization_functions() {
  return {
      check::judged<check::BlockQuantizationInput, std::vector<std::uint8_t>>(
          check::block_quantization_check(), "chapters/08_quantization/quantize", run_block_quantization),
  };
}

}  // namespace rung
