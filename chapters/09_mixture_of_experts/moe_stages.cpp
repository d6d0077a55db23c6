#include "chapters/09_mixture_of_experts/moe_stages.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "chapters/04_transformer/parts.h"
#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/08_quantization/integer_stages.h"
#include "chapters/08_quantization/quantize_model.h"

namespace rung {

namespace {

/// The mixture of one layer; its router is dense whatever the matrices are.
std::unique_ptr<FeedForward> mixture_of(const Checkpoint& checkpoint, std::int64_t layer,
                                        const MatrixParts& matrices, Dispatch dispatch) {
  const MixtureConfig& mixture = *checkpoint.config().mixture;
  const std::string point = fmt::format("layers.{}.feed_forward.", layer);
  const auto of_all = [&](const char* name) {
    std::vector<std::unique_ptr<Linear>> experts;
    experts.reserve(static_cast<std::size_t>(mixture.experts));
    for (std::int64_t e = 0; e < mixture.experts; ++e)
      experts.push_back(
          matrices.linear(checkpoint.tensor(fmt::format("{}experts.{}.{}.weight", point, e, name))));
    return std::make_unique<LinearPerExpert>(std::move(experts));
  };
  auto router = std::make_unique<DenseLinear>(
      std::make_shared<const Matrix>(load_f32(checkpoint.tensor(point + "router.weight"))));
  ExpertParts experts{.gate = of_all("gate"), .up = of_all("up"), .down = of_all("down")};
  const auto rule = [mixture](const ConstMatrixView& scores) {
    return softmax_then_top_k(scores, mixture.experts_used, mixture.renormalize);
  };
  return std::make_unique<MixtureOfExperts>(std::move(router), std::move(experts), rule, mixture.experts_used,
                                            dispatch);
}

/// Empty for a dense model, which has its usual feed-forward layer.
MakeFeedForward feed_forward_for(const ModelConfig& config, Dispatch dispatch) {
  if (!config.mixture) return {};
  return [dispatch](const Checkpoint& checkpoint, std::int64_t layer, const MatrixParts& matrices) {
    return mixture_of(checkpoint, layer, matrices, dispatch);
  };
}

}  // namespace

std::unique_ptr<Stage> make_moe_by(Dispatch dispatch, const Checkpoint& checkpoint,
                                   const StageOptions& options) {
  const ModelConfig& config = checkpoint.config();
  // Before the weights are read, so that a wrong size is refused at once.
  const StageOptions room = with_defaults(options, config, all_kv_types);
  return grouped_stage_of(config, plain_parts(checkpoint, feed_forward_for(config, dispatch)), room);
}

std::unique_ptr<Stage> make_moe(const Checkpoint& checkpoint, const StageOptions& options) {
  return make_moe_by(Dispatch::segments, checkpoint, options);
}

std::unique_ptr<Stage> make_moe_int4(const Checkpoint& checkpoint, const StageOptions& options) {
  const ModelConfig& config = checkpoint.config();
  const StageOptions room = with_defaults(options, config, all_kv_types);
  return grouped_stage_of(
      config, block_parts(checkpoint, IntegerWeights::int4, feed_forward_for(config, Dispatch::segments)),
      room);
}

OtherWeights moe_int4_weights(const Tensor& tensor) {
  return is_router(tensor.name) ? OtherWeights{} : int4_weights(tensor);
}

}  // namespace rung
