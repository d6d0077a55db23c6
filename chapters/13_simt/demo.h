#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 13`: what its tutorial quotes and its figures are drawn from. `./rung kernels` has the counters.
Demo simt_demo();

}  // namespace rung
