// The check is checked: every known mistake of the whole model, with the rounding errors of fp32 on top, is
// rejected and called by its name.

#include <map>
#include <set>
#include <string>

#include "core/check/model_mistakes.h"
#include "core/check/oracle_stage.h"
#include "core/check/whole_model.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"

namespace {

using namespace rung;
using namespace rung::check;

/// Where a mistake must first show; the others may show later than they are made.
const std::map<std::string, std::string> first_points{
    {"rope_interleaved", "layers.0.attention.q_rotated"},
    {"keys_not_rotated", "layers.0.attention.k_rotated"},
    {"queries_not_rotated", "layers.0.attention.q_rotated"},
    {"values_rotated", "layers.0.attention.v"},
    {"position_off_after_chunk", "layers.0.attention.q_rotated"},
    {"sees_next_token", "layers.0.attention.output"},
    {"window_one_longer", "layers.0.attention.output"},
    {"window_one_shorter", "layers.0.attention.output"},
    {"ring_of_window", "layers.0.attention.output"},
    {"ring_one_too_small", "layers.0.attention.output"},
    {"ring_read_without_wrap", "layers.0.attention.output"},
    {"ring_mask_of_slots", "layers.0.attention.output"},
    {"ring_slot_as_position", "layers.0.attention.q_rotated"},
    {"cache_not_read", "layers.0.attention.output"},
    {"cached_keys_not_rotated", "layers.0.attention.output"},
    {"keys_stored_as_values", "layers.0.attention.output"},
    {"keys_and_values_swapped", "layers.0.attention.output"},
    {"key_and_value_matrices_swapped", "layers.0.attention.output"},
    {"written_one_slot_late", "layers.0.attention.output"},
    {"cache_overwritten", "layers.0.attention.output"},
    {"eps_ignored", "layers.0.attention.norm"},
    {"attention_norm_forgotten", "layers.0.attention.norm"},
    {"feed_forward_norm_forgotten", "layers.0.feed_forward.norm"},
    {"feed_forward_norm_of_attention", "layers.0.feed_forward.norm"},
    {"residual_after_norm", "layers.0.attention.residual"},
    {"attention_residual_forgotten", "layers.0.attention.residual"},
    {"feed_forward_residual_forgotten", "layers.0.feed_forward.residual"},
    {"gelu_for_silu", "layers.0.feed_forward.activation"},
    {"expert_weights_not_renormalised", "layers.0.feed_forward.router.weights"},
    {"expert_weights_alike", "layers.0.feed_forward.router.weights"},
    {"last_expert_dropped", "layers.0.feed_forward.router.weights"},
    {"one_expert_fewer", "layers.0.feed_forward.router.chosen"},
    {"one_expert_more", "layers.0.feed_forward.router.chosen"},
    {"experts_off_by_one", "layers.0.feed_forward.router.chosen"},
    {"worst_experts_chosen", "layers.0.feed_forward.router.chosen"},
    {"router_reads_the_stream", "layers.0.feed_forward.router.scores"},
    {"experts_read_the_weighted_input", "layers.0.feed_forward.activation"},
    {"last_norm_forgotten", "norm"},
    {"tied_output_forgotten", "logits"},
    {"output_taken_as_tied", "logits"},
};

/// @return the mistakes that make a difference on the model
std::set<std::string> reject_all(const std::string& model) {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path(model));
  WholeModelCheck::Options options;
  options.stop_at_failure = true;
  const WholeModelCheck whole(checkpoint, options);
  std::set<std::string> rejected;
  for (const ModelMistake& mistake : model_mistakes()) {
    if (!applies(mistake, checkpoint.config())) continue;
    const StageReport report = whole.check(
        oracle_stage_info({.mistake = &mistake, .rounding = NumberType::f32, .seed = 7}), nullptr);
    INFO(model << ": " << mistake.name << "\n" << to_text(report));
    CHECK_FALSE(report.passed);
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == mistake.name);
    REQUIRE(report.first_outside.has_value());
    if (const auto expected = first_points.find(mistake.name); expected != first_points.end()) {
      CHECK(report.first_outside->name == expected->second);
    }
    rejected.insert(mistake.name);
  }
  return rejected;
}

}  // namespace

TEST_CASE("every known mistake of the whole model is rejected by name") {
  std::set<std::string> rejected;
  // Tied and grouped; a window, untied, and another head_dim; RoPE scaling; another theta; and experts.
  for (const char* const model :
       {"llama_gqa_tied", "mistral_window", "llama3_rope", "llama_head_dim", "mixtral"}) {
    rejected.merge(reject_all(model));
  }
  for (const ModelMistake& mistake : model_mistakes()) {
    INFO(mistake.name << " makes a difference on none of the models");
    CHECK(rejected.contains(mistake.name));
  }
  CHECK(rejected.size() >= 50);
}
