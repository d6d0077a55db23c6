#pragma once

#include <vector>

#include "core/checkpoint/mapped_file.h"
#include "core/checkpoint/stored_tensor.h"

namespace rung {

/// Lists the tensors of a safetensors file: an 8-byte header length, a JSON header {name: {dtype, shape,
/// data_offsets}}, the data (https://github.com/huggingface/safetensors, "Format"). Views of the file; F32
/// data may start at any byte.
/// @throws Error (bad_input) naming file and tensor
std::vector<StoredTensor> read_safetensors(const MappedFile& file);

}  // namespace rung
