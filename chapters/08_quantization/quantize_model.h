#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/checkpoint/checkpoint.h"
#include "core/tensor/dtype.h"

namespace rung {

/// The type that rows of that many numbers are stored as when `wanted` is asked for. A block must not reach over the end
/// of a row; where 256 do not divide it, Q4_K becomes Q5_0 and Q6_K becomes Q8_0, the next better of the types with
/// blocks of 32; where 32 do not either, F16. llama.cpp falls back alike.
DType type_for_rows(DType wanted, std::int64_t row_elements);

/// Whether a tensor, by the project's name, is the router of a mixture of experts. It is not quantised but
/// stored as F32, as llama.cpp does: it is a sliver of the model, and one other choice changes all that follows.
bool is_router(std::string_view name);

/// What came of the weights of one type.
struct QuantizedTotal {
  std::int64_t tensors = 0;
  std::int64_t weights = 0;
  std::int64_t bytes = 0;
};

/// What came of a model.
struct QuantizedModel {
  std::map<DType, QuantizedTotal> by_type;
  std::int64_t file_bytes = 0;
  /// √(Σ (x - x')² / Σ x²) over all matrices, x what was read and x' what the new file decodes to.
  double relative_error = 0;
};

/// Called now and then with the tensor at work and the share of the weights that is done, 0 to 1. May throw to stop.
using QuantizeProgress = std::function<void(const std::string& tensor, double done)>;

/// Writes a checkpoint as GGUF with all matrices, the embedding included, as `dtype` or what type_for_rows() makes of it;
/// routers, norms and other vectors are F32. Of a GGUF file all metadata, the tokenizer and the names of the tensors stay
/// as they are; of a Hugging Face directory what llama.cpp needs is written, rows of q and k in its order, the experts of
/// a mixture as one tensor [experts, out, in] each of gate, up and down. A tensor that has the type already is copied.
/// In memory there are a few megabytes of one tensor at a time.
/// @throws Error (bad_input) naming the tensor and the number that is not finite or too large for the type, or the file
///         that cannot be written; nothing is left under `out` then
QuantizedModel quantize_model(const Checkpoint& in, const std::filesystem::path& out, DType dtype,
                              const QuantizeProgress& progress = {});

}  // namespace rung
