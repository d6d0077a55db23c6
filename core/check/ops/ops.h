#pragma once

#include "core/check/op.h"

namespace rung::check {

/// What the harness knows about each op, one file per op in this folder.
///@{
Op rms_norm_op();
Op rope_op();
Op softmax_op();
Op attention_op();
Op swiglu_op();
Op linear_op();
Op add_op();
Op embedding_op();
Op add_rms_norm_op();
///@}

}  // namespace rung::check
