#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 1`: what its tutorial quotes and its figures are drawn from.
Demo tokens_demo();

}  // namespace rung
