#pragma once

#include <span>
#include <string>

#include "chapters/21_sizing/plan.h"

namespace rung {

/// Plans side by side, a column each, with the request in the head. Bytes are decimal: 1 GB is 10⁹.
std::string plan_text(std::span<const ModelPlan> plans, const PlanRequest& request);

/// The same as JSON, with nothing rounded.
std::string plan_json(std::span<const ModelPlan> plans, const PlanRequest& request);

/// A drawing of the bounds, as SVG: tokens per second of one sequence over its context, and of all together over the
/// batch, a line for each model, both axes logarithmic.
std::string plan_svg(std::span<const ModelPlan> plans, const PlanRequest& request);

/// "1,234,567"
std::string with_commas(std::int64_t number);

}  // namespace rung
