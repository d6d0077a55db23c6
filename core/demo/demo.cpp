#include "core/demo/demo.h"

namespace rung {

void DemoText::write(const std::string& text) {
  if (quiet_) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);  // what comes next may take seconds
}

}  // namespace rung
