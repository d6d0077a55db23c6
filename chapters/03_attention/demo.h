#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 3`: what its tutorial quotes and its figures are drawn from.
Demo attention_demo();

}  // namespace rung
