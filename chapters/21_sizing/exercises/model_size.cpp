// Exercise 21.1: how large a model is. What the functions must do stands in
// chapters/21_sizing/model_size.h.
//
// This file takes the place of chapters/21_sizing/model_size.cpp, so it must define what that one does.

#include "chapters/21_sizing/model_size.h"

#include "chapters/08_quantization/quantize_model.h"
#include "core/error.h"

namespace rung {

ModelParts count_parameters(const ModelConfig& config) {
  throw Error(ErrorKind::bad_input,
              "count_parameters is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.1");
}

ModelParts weight_bytes(const ModelConfig& config, DType type) {
  throw Error(ErrorKind::bad_input,
              "weight_bytes is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.1");
}

ModelParts active_parts(const ModelParts& all, const ModelConfig& config) {
  throw Error(ErrorKind::bad_input,
              "active_parts is not written yet: chapters/21_sizing/exercises/README.md, exercise 21.1");
}

}  // namespace rung
