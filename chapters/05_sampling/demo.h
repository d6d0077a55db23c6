#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 5`: what its tutorial quotes and its figures are drawn from.
Demo sampling_demo();

}  // namespace rung
