#pragma once

#include "core/demo/demo.h"

namespace rung {

/// `./rung chapter 7`: what its tutorial quotes and its figures are drawn from.
Demo grouped_query_demo();

}  // namespace rung
