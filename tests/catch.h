#pragma once

// Catch2, version 2 (Debian 12) or 3 (Ubuntu 24.04).
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;  // version 2 has it here already
using Catch::Matchers::ContainsSubstring;
#else
// Without a try block around each assertion: an exception is still a failure of the test case, told with the last assertion
// before it. A tenth less to compile.
#define CATCH_CONFIG_FAST_COMPILE
#include <catch2/catch.hpp>
/// Version 3's name of it.
inline auto ContainsSubstring(const std::string& part) {
  return Catch::Matchers::Contains(part);
}
#endif
