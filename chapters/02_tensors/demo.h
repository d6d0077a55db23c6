#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 2`: what its tutorial quotes and its figures are drawn from.
Demo tensors_demo();

}  // namespace rung
