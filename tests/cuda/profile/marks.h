#pragma once

#include <fstream>
#include <string>

#include "cuda/simt/profile/profile.h"

namespace rung::test {

/// The line of tests/cuda/profile/<file> that holds "[mark]".
inline simt::SourceLine line_with(const std::string& file, const std::string& mark) {
  const std::string name = "tests/cuda/profile/" + file;
  std::ifstream source(std::string(RUNG_SOURCE_DIR) + "/" + name);
  std::string text;
  for (int line = 1; std::getline(source, text); ++line) {
    if (text.find("[" + mark + "]") != std::string::npos) {
      return {.file = name, .line = line};
    }
  }
  return {};
}

}  // namespace rung::test
