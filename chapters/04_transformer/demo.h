#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 4`: what its tutorial quotes and its figures are drawn from.
Demo transformer_demo();

}  // namespace rung
