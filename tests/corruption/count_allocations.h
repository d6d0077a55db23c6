#pragma once

#include <cstddef>

namespace rung::support {

/// Bytes asked of operator new since the program began, in all threads, whether given back or not. (Eigen
/// asks malloc instead: what a matrix takes is counted by its size.)
std::size_t bytes_allocated();

}  // namespace rung::support
