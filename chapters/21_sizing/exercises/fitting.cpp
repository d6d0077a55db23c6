// Exercise 21.3: what a model fits on. What the functions must do stands in
// chapters/21_sizing/fitting.h.
//
// This file takes the place of chapters/21_sizing/fitting.cpp, so it must define what that one does.

#include "chapters/21_sizing/fitting.h"

#include "chapters/21_sizing/step_work.h"
#include "core/error.h"

namespace rung {

std::optional<std::int64_t> devices_for(double bytes, double memory_bytes, std::int64_t most) {
  throw Error(ErrorKind::bad_input,
              "devices_for is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.3");
}

std::optional<Offer> cheapest(std::span<const Device> devices, double bytes) {
  throw Error(ErrorKind::bad_input,
              "cheapest is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.3");
}

std::optional<std::int64_t> turning_batch(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                                          std::int64_t past, const measure::Limits& limits) {
  throw Error(ErrorKind::bad_input,
              "turning_batch is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.3");
}

}  // namespace rung
