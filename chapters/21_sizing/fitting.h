#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "chapters/21_sizing/device.h"
#include "chapters/21_sizing/model_size.h"
#include "core/checkpoint/config.h"
#include "core/measure/roofline.h"
#include "core/stage/kv_type.h"

namespace rung {

/// How many of such devices hold `bytes`, when a model is split over 1, 2, 4, 8, … evenly; nothing where none of these
/// counts up to `most` is enough. `most` need not be one of them: of at most 6 devices, 4 are the most.
std::optional<std::int64_t> devices_for(double bytes, double memory_bytes, std::int64_t most = 1024);

/// Hardware to rent.
struct Offer {
  Device device;
  std::int64_t count = 1;
  double dollars_an_hour = 0;  ///< of all of them
};
/// The cheapest of the devices with a price that hold `bytes`; the earlier of two that cost the same.
std::optional<Offer> cheapest(std::span<const Device> devices, double bytes);

/// The smallest batch whose decode step takes as long to compute as to move its bytes, or longer. Nothing where that
/// never happens: a sequence's keys and values are read for it alone, and after a long text they take longer by themselves
/// than its FLOPs. Nothing, too, where it is above 2^40.
/// @param past  positions of each sequence
std::optional<std::int64_t> turning_batch(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                                          std::int64_t past, const measure::Limits& limits);

}  // namespace rung
