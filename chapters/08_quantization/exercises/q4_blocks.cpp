// Exercise 8.2: two numbers to a byte. What the functions must do stands in chapters/08_quantization/q4_blocks.h.
//
// This file takes the place of chapters/08_quantization/q4_blocks.cpp, so it must define what that one does. Both
// functions are yours; chapters/08_quantization/block_fields.h has put_half, inverse_scale and whole_part for them.

#include "chapters/08_quantization/q4_blocks.h"

#include "chapters/08_quantization/block_fields.h"
#include "core/error.h"

namespace rung {

void quantize_q4_0(std::span<const float, 32> numbers, std::span<std::byte, 18> block) {
  throw Error(ErrorKind::bad_input,
              "quantize_q4_0 is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.2");
}

void quantize_q4_1(std::span<const float, 32> numbers, std::span<std::byte, 20> block) {
  throw Error(ErrorKind::bad_input,
              "quantize_q4_1 is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.2");
}

}  // namespace rung
