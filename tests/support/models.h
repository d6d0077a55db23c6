#pragma once

#include <cstdlib>
#include <filesystem>

#include "core/error.h"

namespace rung::testing {

inline std::filesystem::path tiny_path() {
  return std::filesystem::path(RUNG_SOURCE_DIR) / "models" / "tiny.gguf";
}

/// SmolLM2-135M-Instruct: $RUNG_SMOLLM2, else where the command line keeps it (cli/models.cpp). Tests need no
/// network, so it is not fetched here; a test that needs it fails without it, rather than looking as if it
/// had run.
/// @throws Error (bad_input) when it is not there, saying how to get it
inline std::filesystem::path smollm2_path() {
  std::filesystem::path path;
  if (const char* const given = std::getenv("RUNG_SMOLLM2"); given != nullptr && *given != '\0') {
    path = given;
  } else {
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    const char* const home = std::getenv("HOME");
    path = cache != nullptr && *cache == '/' ? std::filesystem::path(cache)
                                             : std::filesystem::path(home != nullptr ? home : "") / ".cache";
    path /= std::filesystem::path("rung") / "SmolLM2-135M-Instruct.Q4_1.gguf";
  }
  std::error_code unreadable;
  if (!std::filesystem::is_regular_file(path, unreadable)) {
    throw Error(ErrorKind::bad_input,
                "{}: this test needs SmolLM2 and it is not there; run `./rung inspect smollm2` once with a "
                "network, or set RUNG_SMOLLM2 to the file",
                path.string());
  }
  return path;
}

}  // namespace rung::testing
