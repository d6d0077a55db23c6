#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 8`: what its tutorial quotes and its figures are drawn from.
Demo quantization_demo();

}  // namespace rung
