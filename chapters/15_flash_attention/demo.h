#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 15`: what its tutorial quotes. `./rung kernels attention` has the counters.
Demo flash_attention_demo();

}  // namespace rung
