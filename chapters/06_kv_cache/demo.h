#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 6`: what its tutorial quotes and its figures are drawn from.
Demo kv_cache_demo();

}  // namespace rung
