#pragma once

#include <vector>

#include "core/check/model_mistakes.h"

namespace rung::check {

/// The parts of model_mistakes(): rotation, mask, scale, heads and the cache; and what stands around attention.
std::vector<ModelMistake> model_attention_mistakes();
/// Norms, residual stream, feed-forward layer, output matrix.
std::vector<ModelMistake> model_skeleton_mistakes();

/// The router of a mixture, and its experts.
std::vector<ModelMistake> model_mixture_mistakes();

/// integer_mistakes().
std::vector<ModelMistake> model_integer_mistakes();

}  // namespace rung::check
