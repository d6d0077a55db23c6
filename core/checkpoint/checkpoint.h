#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/config.h"
#include "core/checkpoint/tokenizer_data.h"
#include "core/tensor/matrix.h"
#include "core/tensor/tensor_view.h"

namespace rung {

/// One tensor of a checkpoint, under the project's name for it and the file's own.
///
/// Project names: embedding.weight, layers.N.attention.{norm,q,k,v,o}.weight,
/// layers.N.feed_forward.{norm,gate,up,down}.weight, norm.weight, output.weight (absent when tied). A mixture has
/// layers.N.feed_forward.router.weight and layers.N.feed_forward.experts.E.{gate,up,down}.weight in place of gate, up and
/// down.
struct Tensor {
  std::string name;
  std::string stored_name;     ///< what errors call it
  std::filesystem::path file;  ///< the file that holds its bytes
  TensorView view;             ///< as stored; matrices are [out, in]
  /// The RoPE layout that the order of the rows was made for; unset for tensors RoPE does not concern. GGUF
  /// stores q and k with the rows of each head permuted for `interleaved`.
  std::optional<RopeLayout> row_layout;
  std::int64_t heads = 0;  ///< q and k: heads in the rows; else 0

  /// Where row `r`, counted in half-split order as models use it, is stored.
  std::int64_t stored_row(std::int64_t r) const;
};

/// A matrix of a checkpoint in another form: rows in half-split order, whole blocks of `dtype` one after the other.
struct OtherWeights {
  DType dtype = DType::F32;
  std::vector<std::byte> bytes;  ///< none: the tensor stays as it is
};

/// A model file or directory, memory-mapped: a GGUF file (v2, v3) or a Hugging Face directory (config.json,
/// *.safetensors, tokenizer.json). Movable; views into it stay valid as long as it lives.
class Checkpoint {
 public:
  /// Reads and checks everything but the numbers: afterwards every tensor that the config needs is there with
  /// the right shape and lies inside its file.
  /// @throws Error (bad_input) naming file and tensor
  static Checkpoint open(const std::filesystem::path& path);

  /// The same file, opened once more as a model with a sliding window of `window` positions, whether or not its
  /// weights were trained for one: every stage must do the same with it, so that a check of windows needs no model
  /// of its own.
  /// @param window  W, at least 1
  /// @throws Error (usage) for less, and what open() throws
  Checkpoint with_window(std::int64_t window) const;

  /// The same file, opened once more as a model with other weights, which are kept in memory: so the oracle can compute
  /// with what a stage has made of the weights.
  /// @param other  is asked about every matrix; its rows must have as many numbers
  /// @throws what open() and `other` throw, and Error (usage) for a wrong number of bytes
  Checkpoint with_weights(const std::function<OtherWeights(const Tensor&)>& other) const;

  /// Views into the file stay valid; what was moved from may only be destroyed or assigned to.
  Checkpoint(Checkpoint&&) noexcept;
  /// The same; the file that was open is closed.
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  /// What it was opened by.
  const std::filesystem::path& path() const;
  std::string_view format() const;  ///< "GGUF v3", "Hugging Face safetensors"
  /// The model's dimensions and options, checked.
  const ModelConfig& config() const;
  /// @throws Error (bad_input) when the checkpoint carries no tokenizer, or one that is not supported
  const TokenizerData& tokenizer() const;
  /// Whether tokenizer() gives one.
  bool has_tokenizer() const;
  /// All tensors that the model uses, under the project's names.
  const std::vector<Tensor>& tensors() const;
  /// @throws Error (bad_input) when there is none of that name
  const Tensor& tensor(std::string_view name) const;
  const Tensor* find(std::string_view name) const;  ///< nullptr when there is none

  /// Tells the system that the file's pages are not needed in memory any more; they come back when read.
  void release_pages() const;
  /// The same for one of its tensors, when it has been read for the last time: so that a model that is decoded tensor by
  /// tensor is never in memory whole in both forms. Pages that it shares with its neighbours stay.
  void release_pages(const Tensor& tensor) const;

 private:
  struct Parts;
  explicit Checkpoint(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Decodes a matrix [out, in] (or a vector, as one row) to fp32, rows in half-split order, on all threads.
/// @throws Error (bad_input) naming file and tensor where a number is not finite
Matrix load_f32(const Tensor& tensor);

/// Decodes row `row`, counted in half-split order, of the same matrix.
/// @param out  as many numbers as a row has
/// @throws Error (bad_input) naming file and tensor where a number is not finite
void load_row(const Tensor& tensor, std::int64_t row, std::span<float> out);

}  // namespace rung
