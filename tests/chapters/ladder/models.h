#pragma once

#include <filesystem>
#include <string>

namespace rung::testing {

/// A random model of tests/golden/hf, or the trained one for "tiny".
inline std::filesystem::path model_path(const std::string& name) {
  const std::filesystem::path root(RUNG_SOURCE_DIR);
  return name == "tiny" ? root / "models" / "tiny.gguf" : root / "tests" / "golden" / "hf" / name;
}

}  // namespace rung::testing
