#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 14`: what its tutorial quotes and its figures are drawn from. `./rung kernels linear` has the counters.
Demo gemm_demo();

}  // namespace rung
