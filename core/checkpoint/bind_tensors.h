#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/stored_tensor.h"

namespace rung {

/// How a format names tensors and orders the rows of q and k.
struct TensorNaming {
  std::string embedding, norm, output;
  std::string layer_prefix;  ///< "blk." in blk.7.attn_q.weight
  /// The rest of the name in a layer, in the order of the project's: attention.{norm,q,k,v,o},
  /// feed_forward.{norm,gate,up,down}.
  std::vector<std::string> in_layer;
  std::string router;  ///< in a layer of a mixture, in place of feed_forward.{gate,up,down}
  /// The matrices of one expert, gate, up and down, with {} for its number.
  std::vector<std::string> expert;
  /// All experts' matrices, one after the other in tensors of three extents; gate, up and down. Empty: the format has no
  /// such thing.
  std::vector<std::string> stacked_experts = {};
  RopeLayout rope_layout;
  bool pads_shapes = false;  ///< shapes may begin with extents of 1 that mean nothing
  /// Whether a tensor that the model does not use may be passed over. Anything else that is left is refused:
  /// it would change what the model computes.
  bool (*harmless)(std::string_view stored_name);
};

/// The format's name for a tensor of the project's name: "blk.7.attn_q.weight" for layers.7.attention.q.weight.
/// One expert's matrix has the name of those that stand alone, not of the stack.
/// @throws Error (bad_input) for a name that the project does not have
std::string stored_name(const TensorNaming& naming, std::string_view name);

/// Where a format that stacks experts has one of their matrices.
struct PlaceInStack {
  std::string stored_name;  ///< of the stack: "blk.7.ffn_up_exps.weight"
  std::int64_t expert = 0;  ///< which of its matrices it is
};

/// Nothing for a tensor that is no expert's.
/// @param name  the project's
std::optional<PlaceInStack> place_in_stack(const TensorNaming& naming, std::string_view name);

/// Gives the stored tensors their roles: every tensor that `config` needs must be there with the right shape,
/// and nothing may be left over. The output matrix is needed unless config.tied_embeddings. A stack of experts becomes a
/// tensor for each of them.
/// @param file  what errors about the whole name
/// @throws Error (bad_input) naming file and tensor
std::vector<Tensor> bind_tensors(const std::filesystem::path& file, const ModelConfig& config,
                                 const TensorNaming& naming, const std::vector<StoredTensor>& stored);

}  // namespace rung
