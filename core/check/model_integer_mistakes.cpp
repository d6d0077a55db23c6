// The known mistakes of stages that multiply weights from their blocks: what a block is taken for, and what is done to
// the activations.

#include <algorithm>
#include <cmath>

#include "core/check/block_mistakes.h"
#include "core/check/model_mistake_lists.h"

namespace rung::check {
namespace {

void cut_inputs(std::string_view point, oracle::Grid& values) {
  if (!point.ends_with("norm") && point != "attention.output" && point != "feed_forward.activation") return;
  for (std::int64_t t = 0; t < values.rows; ++t) {
    for (std::int64_t first = 0; first < values.columns; first += 32) {
      const auto group =
          values.row(t).subspan(static_cast<std::size_t>(first),
                                static_cast<std::size_t>(std::min<std::int64_t>(32, values.columns - first)));
      double largest = 0;
      for (const double value : group) largest = std::max(largest, std::abs(value));
      if (largest == 0) continue;
      for (double& value : group) value = std::trunc(value / (largest / 127)) * (largest / 127);
    }
  }
}

}  // namespace

std::vector<ModelMistake> model_integer_mistakes() {
  std::vector<ModelMistake> all;
  all.reserve(block_mistakes().size() + 1);
  for (const BlockMistake& one : block_mistakes()) {
    ModelMistake mistake{.name = one.name, .sentence = one.sentence, .chapter = 8};
    mistake.types = one.types;
    mistake.reread = one.reread;
    all.push_back(std::move(mistake));
  }
  all.push_back(
      {.name = "activations_cut",
       .sentence = "activations cut off toward zero instead of rounded: every product is a little too small",
       .chapter = 8,
       .replace = [](std::string_view point, oracle::Grid& values, const Scene&) {
         cut_inputs(point, values);
       }});
  return all;
}

}  // namespace rung::check
