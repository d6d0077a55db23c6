// Exercise 21.2: what a step moves and computes. What the functions must do stands in
// chapters/21_sizing/step_work.h.
//
// This file takes the place of chapters/21_sizing/step_work.cpp, so it must define what that one does.
// prompt_work is given.

#include "chapters/21_sizing/step_work.h"

#include "chapters/07_grouped_query/grouped_cost.h"
#include "core/error.h"

namespace rung {

StageCost model_cost(const ModelConfig& config, const ModelParts& bytes, KvType kv) {
  throw Error(ErrorKind::bad_input,
              "model_cost is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.2");
}

double weights_read(const StageCost& cost, std::int64_t rows) {
  throw Error(ErrorKind::bad_input,
              "weights_read is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.2");
}

measure::Work step_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t batch,
                        std::int64_t past) {
  throw Error(ErrorKind::bad_input,
              "step_work is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.2");
}

// Given.

measure::Work prompt_work(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                          std::int64_t tokens) {
  return measure::prefill_work(model_cost(config, bytes, kv), tokens);
}

}  // namespace rung
