#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 21`.
Demo sizing_demo();

}  // namespace rung
