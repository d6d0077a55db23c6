#include "chapters/21_sizing/demo.h"

#include "chapters/21_sizing/demo_parts.h"

namespace rung {

Demo sizing_demo() {
  using namespace sizing_parts;
  return {
      .chapter = 21,
      .title = "What does a model need, and how fast can it go?",
      .parts = {
          {"parts", "where the parameters are", show_parts},
          {"bytes", "the same numbers as bytes, and what a text adds", show_bytes},
          {"seventy", "70B in 4 bits: where 42 GB come from", show_seventy},
          {"cards", "7B and 13B on cards of their time: the bound, and what was measured", show_cards},
          {"changes", "what one change at a time does to a step of 7B", show_changes},
          {"turning", "from which batch on decoding is bound by arithmetic", show_turning},
          {"experts", "how many experts a batch touches, and the bytes of a step", show_experts},
          {"flops", "560 TFLOP for a forward pass?", show_flops},
          {"curves", "the bounds of 7B, 13B, Mistral and Mixtral over context and batch", show_curves},
          {"homes", "what fits where, and what is cheapest", show_homes},
          {"quality", "MMLU, as others measured it", show_quality},
          {"predicted", "what was measured of 7B, 13B and Mistral, and what a plan predicts", show_predicted},
          {"here", "this machine: the limit, the prediction, the measurement", show_here}}};
}

}  // namespace rung
