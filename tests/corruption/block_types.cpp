#include "tests/corruption/block_types.h"

#include <cstring>

#include "chapters/08_quantization/quantize.h"
#include "core/checkpoint/ggml_types.h"
#include "tests/support/tiny_model.h"

namespace rung::support {

namespace {

/// What no quantiser here writes: any bytes, with scales and minima of 2^-7.
Bytes any_blocks(DType type, std::size_t blocks, Dice& dice) {
  const auto size = static_cast<std::size_t>(info(type).block_bytes);
  Bytes bytes(blocks * size);
  for (std::byte& byte : bytes) byte = std::byte(dice.below(256));
  for (std::size_t block = 0; block < bytes.size(); block += size) {
    for (const std::size_t half : {0, 2}) {
      bytes[block + half] = std::byte{0};
      bytes[block + half + 1] = std::byte{0x20};
    }
  }
  return bytes;
}

}  // namespace

std::vector<std::size_t> fp16_fields(DType type) {
  switch (type) {
    case DType::Q4_1:
    case DType::Q5_1:
    case DType::Q4_K:
    case DType::Q5_K:
      return {0, 2};
    case DType::Q6_K:
      return {208};
    default:
      return {0};
  }
}

GgufFile quantised_gguf(DType type, Dice& dice) {
  ModelConfig config = tiny_config();
  config.layers = 1;
  config.hidden = 256;
  config.head_dim = 64;
  config.feed_forward = 256;
  GgufFile file = to_gguf(TinyModel(config));
  for (GgufFile::Tensor& tensor : file.tensors) {
    if (tensor.extents.size() < 2) continue;
    std::vector<float> numbers(tensor.data.size() / sizeof(float));
    std::memcpy(numbers.data(), tensor.data.data(), tensor.data.size());
    const std::size_t blocks = numbers.size() / static_cast<std::size_t>(info(type).block_elements);
    tensor.type = ggml_number(type);
    if (can_quantize(type)) {
      tensor.data.assign(blocks * static_cast<std::size_t>(info(type).block_bytes), std::byte{0});
      quantize(type, numbers, tensor.data);
    } else {
      tensor.data = any_blocks(type, blocks, dice);
    }
  }
  return file;
}

}  // namespace rung::support
