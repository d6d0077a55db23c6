#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chapters/09_mixture_of_experts/routing.h"
#include "core/demo/demo.h"
#include "core/tensor/matrix.h"

namespace rung {

/// By hand: the toy, one row's scores, segments, what no room does.
std::vector<DemoPart> small_parts();
/// Routers on a real model's activations: which expert each token of a sentence goes to, and how evenly.
std::vector<DemoPart> text_parts();
/// Bytes and time: what a batch touches, and how long each dispatch takes.
std::vector<DemoPart> cost_parts();

/// Routes in which every row goes to k different experts, all sets equally likely; weights are 1 / k.
Routing dealt_routes(std::int64_t rows, std::int64_t experts, std::int64_t used, std::uint64_t seed);
/// Different experts that the rows [first, first + count) go to.
std::int64_t experts_touched(const Routing& routing, std::int64_t first, std::int64_t count);
/// "3 1" for the experts of a row.
std::string experts_of(const Routing& routing, std::int64_t row);

}  // namespace rung
