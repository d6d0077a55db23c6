#include "core/checkpoint/printable.h"

#include <fmt/format.h>

namespace rung {

std::string printable(std::string_view text, std::size_t limit) {
  std::string result;
  for (const char character : text) {
    if (result.size() >= limit) return result + "...";
    if (character >= ' ' && character <= '~') {
      result += character;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
    }
  }
  return result;
}

}  // namespace rung
