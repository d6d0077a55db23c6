// What fits where, what is cheapest, and where decoding turns from moving to computing.

#include "chapters/21_sizing/plan.h"
#include "chapters/21_sizing/plan_report.h"
#include "chapters/21_sizing/step_work.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/21_sizing/sized.h"

using namespace rung;
using testing::listed_device;
using testing::sized;

namespace {

ModelPlan plan(const std::string& model, DType type, const std::string& device, Workload work = {},
               std::int64_t gpus = 1) {
  const PlanRequest request{.work = work,
                            .device = listed_device(device),
                            .gpus = gpus,
                            .listed = read_all_devices(presets_folder("devices"))};
  return plan_for(with_weights(sized(model), type), request);
}

}  // namespace

TEST_CASE("7B in fp16 fits a card of 24 GB, 13B does not, and in 4 bits does") {
  CHECK(plan("llama2-7b", DType::F16, "rtx4090").share_of_memory < 1);
  CHECK(plan("llama2-13b", DType::F16, "rtx4090").share_of_memory > 1);
  CHECK(plan("llama2-13b", DType::Q4_0, "rtx4090").share_of_memory < 1);
  CHECK(plan("llama2-13b", DType::F16, "rtx4090", {}, 2).share_of_memory < 1);
  CHECK(plan("llama2-13b", DType::F16, "rtx4090").devices == 2);
}

TEST_CASE("a bound is what the slower of memory and arithmetic allows") {
  const ModelPlan one =
      plan("llama2-7b", DType::F16, "rtx4090", {.kv = KvType::f16, .context = 1, .batch = 1});
  CHECK(one.step.by_memory);
  CHECK(one.tokens_per_second == Approx(1008e9 / one.step.work.bytes));
  const ModelPlan prompt =
      plan("llama2-7b", DType::F16, "rtx4090", {.kv = KvType::f16, .context = 4096, .batch = 1});
  CHECK_FALSE(prompt.prompt.by_memory);
  CHECK(prompt.prompt.seconds == Approx(prompt.prompt.work.flops / 165.2e12));
}

TEST_CASE("decode turns computing-bound at the batch that is said, and not one before it") {
  for (const std::string name : {"llama2-7b", "mistral-7b", "mixtral-8x7b", "gpt4-16x110b"}) {
    const SizedModel model = sized(name);
    const ModelParts bytes = weight_bytes(model.config, DType::F16);
    const measure::Limits limits = listed_device("h100").limits;
    const auto turning = turning_batch(model.config, bytes, KvType::f16, 63, limits);
    REQUIRE(turning);
    const auto computes = [&](std::int64_t batch) {
      const measure::Work work = step_work(model.config, bytes, KvType::f16, batch, 63);
      return work.flops / limits.flops_per_second >= work.bytes / limits.bytes_per_second;
    };
    INFO(name << " " << *turning);
    CHECK(computes(*turning));
    CHECK_FALSE(computes(*turning - 1));
  }
  const SizedModel seven = sized("llama2-7b");
  CHECK_FALSE(turning_batch(seven.config, weight_bytes(seven.config, DType::F16), KvType::f16, 4095,
                            listed_device("h100").limits));
}

TEST_CASE("the cheapest that fits holds the model, and nothing cheaper does") {
  for (const std::string name : {"llama2-7b", "llama2-70b", "gpt4-16x110b"}) {
    const ModelPlan one = plan(name, DType::F16, "rtx4090");
    REQUIRE(one.cheapest);
    CHECK(one.need.total() <= static_cast<double>(one.cheapest->count) * one.cheapest->device.memory_bytes);
    for (const Device& device : read_all_devices(presets_folder("devices"))) {
      const auto count = devices_for(one.need.total(), device.memory_bytes);
      if (!count || !device.dollars_an_hour) continue;
      CHECK(static_cast<double>(*count) * *device.dollars_an_hour >= one.cheapest->dollars_an_hour);
    }
  }
}

TEST_CASE("absurd workloads are refused, and long ones are not") {
  CHECK_THROWS_AS(plan("llama2-7b", DType::F16, "h100", {.kv = KvType::f16, .context = 0, .batch = 1}),
                  Error);
  CHECK_THROWS_AS(plan("llama2-7b", DType::F16, "h100", {.kv = KvType::f16, .context = 1, .batch = 0}),
                  Error);
  CHECK_THROWS_AS(plan("llama2-7b", DType::F16, "h100",
                       {.kv = KvType::f16, .context = 2'147'483'647, .batch = 1'000'000}),
                  Error);
  const ModelPlan far =
      plan("llama2-7b", DType::F16, "h100", {.kv = KvType::f16, .context = 2'147'483'647, .batch = 1});
  CHECK(far.need.keys_and_values == Approx(2'147'483'647.0 * 512 * 1024));
  CHECK_FALSE(
      plan("gpt4-16x110b", DType::F32, "l4", {.kv = KvType::f32, .context = 2'000'000'000, .batch = 100})
          .devices);
}

TEST_CASE("a drawing escapes names and has a line for each model") {
  ModelPlan one = plan("llama2-7b", DType::F16, "h100");
  one.model.model.name = "<b> & co";
  const PlanRequest request{.work = {}, .device = listed_device("h100"), .gpus = 1, .listed = {}};
  const std::vector<ModelPlan> plans{one, one};
  const std::string drawing = plan_svg(plans, request);
  CHECK(drawing.find("<b>") == std::string::npos);
  CHECK(drawing.find("&lt;b> &amp; co") != std::string::npos);
  std::size_t lines = 0;
  for (std::size_t at = drawing.find("<polyline"); at != std::string::npos;
       at = drawing.find("<polyline", at + 1))
    ++lines;
  CHECK(lines == 4);
  CHECK(drawing.find("nan") == std::string::npos);
  CHECK(drawing.find("inf") == std::string::npos);
}
