// What a step moves and computes, against what stages count from their tensors.

#include <string>
#include <vector>

#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/09_mixture_of_experts/moe_stages.h"
#include "chapters/21_sizing/step_work.h"
#include "chapters/21_sizing/stored_model.h"
#include "core/measure/touched_experts.h"
#include "core/oracle/sizing.h"
#include "tests/catch.h"
#include "tests/chapters/21_sizing/sized.h"
#include "tests/support/models.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using testing::sized;

TEST_CASE("a model's cost by dimensions is what the loaded stage counts") {
  for (const std::string name :
       {"tiny", "llama_mha", "llama_gqa_tied", "llama_mqa", "mistral_full", "mistral_window"}) {
    const Checkpoint checkpoint =
        Checkpoint::open(name == "tiny" ? testing::tiny_path() : testing::golden_model(name));
    for (const KvType kv : all_kv_types) {
      const StageCost stage =
          make_grouped(checkpoint, {.max_positions = 8, .max_sequences = 1, .kv_type = kv})->cost();
      const ModelConfig& config = checkpoint.config();
      const StageCost planned = model_cost(config, weight_bytes(config, DType::F32), kv);
      INFO(name << ", " << rung::name(kv));
      CHECK(planned.weight_bytes == stage.weight_bytes);
      CHECK(planned.output_bytes == stage.output_bytes);
      CHECK(planned.flops_per_row == stage.flops_per_row);
      CHECK(planned.flops_per_logits_row == stage.flops_per_logits_row);
      CHECK(planned.flops_per_visible_position == stage.flops_per_visible_position);
      CHECK(planned.kv_bytes_per_position == stage.kv_bytes_per_position);
      CHECK(planned.window == stage.window);
    }
  }
}

TEST_CASE("a mixture's cost and size by dimensions are those of the loaded stage and the file") {
  const support::TemporaryDirectory folder;
  const auto file = folder.path() / "mixture.gguf";
  support::write_file(file, support::to_gguf(support::TinyModel(support::tiny_mixture_config())).bytes());
  const Checkpoint checkpoint = Checkpoint::open(file);
  const ModelConfig& config = checkpoint.config();
  REQUIRE(config.mixture);
  CHECK(stored_model(checkpoint, "mixture").bytes == weight_bytes(config, DType::F32));
  const StageCost stage = make_moe(checkpoint, {.max_positions = 8, .max_sequences = 1})->cost();
  const StageCost planned = model_cost(config, weight_bytes(config, DType::F32), KvType::f32);
  CHECK(planned.weight_bytes == stage.weight_bytes);
  CHECK(planned.expert_bytes == stage.expert_bytes);
  CHECK(planned.experts == stage.experts);
  CHECK(planned.experts_used == stage.experts_used);
  CHECK(planned.output_bytes == stage.output_bytes);
  CHECK(planned.flops_per_row == stage.flops_per_row);
  CHECK(planned.flops_per_visible_position == stage.flops_per_visible_position);
  CHECK(weights_read(planned, 1) == Approx(static_cast<double>(stage.bytes_of_one_row())));
}

TEST_CASE("experts touched follow the chances counted row by row") {
  for (const auto& [experts, used] : {std::pair{8, 2}, {16, 2}, {4, 1}, {5, 5}, {60, 4}}) {
    for (const std::int64_t rows : {1, 2, 3, 17, 64}) {
      CHECK(measure::touched_experts(experts, used, rows) ==
            Approx(oracle::touched_experts(experts, used, rows)));
    }
  }
  CHECK(measure::touched_experts(8, 2, 1) == Approx(2));
  CHECK(measure::touched_experts(8, 2, 1000) == Approx(8));
}

TEST_CASE("a step for a batch shares the weights and nothing else") {
  const ModelConfig config = sized("llama2-7b").config;
  const ModelParts bytes = weight_bytes(config, DType::F16);
  const measure::Work one = step_work(config, bytes, KvType::f16, 1, 999);
  const measure::Work many = step_work(config, bytes, KvType::f16, 8, 999);
  CHECK(many.flops == 8 * one.flops);
  CHECK(many.bytes - one.bytes == 7 * 1000 * 512.0 * 1024);  // 512 KiB a position
}

TEST_CASE("a token costs two FLOPs for each active parameter, nearly") {
  for (const std::string name : {"llama2-7b", "llama2-70b", "mixtral-8x7b", "gpt4-16x110b"}) {
    const ModelConfig config = sized(name).config;
    const ModelParts active = active_parts(count_parameters(config), config);
    const measure::Work first = step_work(config, weight_bytes(config, DType::F16), KvType::f16, 1, 0);
    INFO(name);
    // Of the embedding one row is looked up; it is not multiplied.
    const auto multiplied = static_cast<double>(active.total() - active.embedding - active.norms);
    CHECK(first.flops == Approx(2 * multiplied).epsilon(0.001));
  }
}

TEST_CASE("at batch 1 a mixture reads the experts that it uses, in a large batch all") {
  const ModelConfig config = sized("mixtral-8x7b").config;
  const ModelParts bytes = weight_bytes(config, DType::F16), active = active_parts(bytes, config);
  const StageCost cost = model_cost(config, bytes, KvType::f16);
  const auto without = [](const ModelParts& parts) {  // what is not multiplied is not read
    return static_cast<double>(parts.total() - parts.embedding - parts.norms);
  };
  CHECK(weights_read(cost, 1) == Approx(without(active)));
  CHECK(weights_read(cost, 10'000) == Approx(without(bytes)));
  CHECK(weights_read(cost, 1) == Approx(static_cast<double>(cost.bytes_of_one_row())));
}
