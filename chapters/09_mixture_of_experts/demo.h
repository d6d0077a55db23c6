#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 9`: what its tutorial quotes and its figures are drawn from.
Demo mixture_demo();

}  // namespace rung
