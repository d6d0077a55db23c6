#pragma once

#include "core/check/op.h"

namespace rung::check {

// One file per op in this folder.
Op rms_norm_op();
Op rope_op();
Op softmax_op();
Op attention_op();
Op swiglu_op();
Op linear_op();

}  // namespace rung::check
