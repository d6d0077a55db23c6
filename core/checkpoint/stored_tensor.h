#pragma once

#include <string>
#include <vector>

#include "core/checkpoint/mapped_file.h"
#include "core/tensor/tensor_view.h"

namespace rung {

/// A tensor as a file lists it, before anybody has asked what it is for.
struct StoredTensor {
  std::string name;
  const MappedFile* file = nullptr;  ///< holds its bytes
  TensorView view;                   ///< checked: inside the file, and as many bytes as dtype and shape need
  /// Why nobody can read it (its type, an extent of 0); empty when one can. The view's bytes and dtype mean
  /// nothing then, which does not matter where the tensor does not.
  std::string unreadable = {};

  /// "model.gguf: tensor blk.0.attn_q.weight", how errors begin.
  std::string where() const;
  /// @throws Error (bad_input) when it is unreadable
  void require_readable() const;
};

/// ggml's tensors have four extents, and a file may list those at the end that are 1; here they come first.
/// At least one extent stays.
Shape without_leading_ones(const Shape& shape);

/// Bytes a tensor takes, with every product checked.
/// @param where  file and tensor, for errors
/// @throws Error (bad_input) when an extent is below 1, the row is not whole blocks, or the size overflows
std::int64_t stored_bytes(const std::string& where, DType dtype, const Shape& shape);

/// Refuses two tensors that share bytes: no writer does that, so one of the offsets is a lie.
/// @throws Error (bad_input) naming both
void refuse_overlaps(const std::vector<StoredTensor>& tensors);

}  // namespace rung
