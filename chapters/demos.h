#pragma once

#include <vector>

#include "core/demo/demo.h"

namespace rung {

/// The demos of all chapters that have one, in the chapters' order.
const std::vector<Demo>& demos();

}  // namespace rung
