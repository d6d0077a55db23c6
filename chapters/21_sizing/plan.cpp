#include "chapters/21_sizing/plan.h"

#include <cctype>

#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/21_sizing/step_work.h"
#include "core/error.h"

namespace rung {
namespace {

constexpr double most_bytes = 4e18;  // with room to double, of the 9.2e18 that 64 bits hold

void check_size(const std::string& what, double bytes) {
  if (bytes <= most_bytes) return;
  throw Error(ErrorKind::usage, "{}: expected at most {:.0e} bytes, found {:.1e}", what, most_bytes, bytes);
}

/// In double, which no product of dimensions overflows: not exact.
double rough_weights(const ModelConfig& c) {
  const auto of = [](std::int64_t n) { return static_cast<double>(n); };
  const double experts = c.mixture ? of(c.mixture->experts) : 1;
  const double a_layer = 2 * of(c.heads + c.kv_heads) * of(c.head_dim) * of(c.hidden) +
                         3 * experts * of(c.hidden) * of(c.feed_forward) + experts * of(c.hidden);
  return of(c.layers) * a_layer + 2 * of(c.vocab) * of(c.hidden);
}

double rough_kv(const ModelConfig& c, const Workload& work) {
  const double position = 2.0 * static_cast<double>(c.layers) * static_cast<double>(c.kv_heads) *
                          (static_cast<double>(c.head_dim) + 1) * 4;
  return position * static_cast<double>(work.context) * static_cast<double>(work.batch);
}

Bound bound_of(const measure::Work& work, const measure::Limits& limits) {
  return {.work = work,
          .seconds = measure::least_seconds(work, limits),
          .by_memory = work.bytes / limits.bytes_per_second > work.flops / limits.flops_per_second};
}

}  // namespace

WeightedModel with_weights(const SizedModel& model, DType type) {
  check_size(model.name, 4 * rough_weights(model.config));
  std::string name;
  for (const char c : rung::name(type))
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return {.model = model, .weights = std::move(name), .bytes = weight_bytes(model.config, type)};
}

ModelPlan plan_for(const WeightedModel& model, const PlanRequest& request) {
  const ModelConfig& config = model.model.config;
  const Workload& work = request.work;
  if (work.context < 1 || work.batch < 1 || request.gpus < 1) {
    throw Error(ErrorKind::usage,
                "a plan: expected a context, a batch and devices of at least 1, found {}, {}, {}",
                work.context, work.batch, request.gpus);
  }
  check_size(model.model.name + ": keys and values of " + std::to_string(work.batch) + " × " +
                 std::to_string(work.context) + " positions",
             rough_kv(config, work));
  check_size(model.model.name, 4 * rough_weights(config));
  const Device all = together(request.device, request.gpus);
  ModelPlan plan;
  plan.model = model;
  plan.parameters = count_parameters(config);
  plan.active = active_parts(plan.parameters, config);
  plan.need = memory_need(config, model.bytes, work);
  plan.share_of_memory = plan.need.total() / all.memory_bytes;
  plan.devices = devices_for(plan.need.total(), request.device.memory_bytes);
  plan.cheapest = cheapest(request.listed, plan.need.total());
  plan.prompt = bound_of(prompt_work(config, model.bytes, work.kv, work.context), all.limits);
  const std::int64_t past = work.context - 1;
  plan.step = bound_of(step_work(config, model.bytes, work.kv, work.batch, past), all.limits);
  plan.tokens_per_second = static_cast<double>(work.batch) / plan.step.seconds;
  plan.turning = turning_batch(config, model.bytes, work.kv, past, all.limits);
  return plan;
}

}  // namespace rung
