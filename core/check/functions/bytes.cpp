#include <fmt/format.h>

#include "core/check/functions/show.h"

namespace rung::check {

std::string show_bytes(std::string_view bytes) {
  std::string shown = "\"";
  for (const char c : bytes) {
    if (c == '\n')
      shown += "\\n";
    else if (c == '"' || c == '\\')
      (shown += '\\') += c;
    else if (c >= 0x20 && c < 0x7F)
      shown += c;
    else
      shown += fmt::format("\\x{:02X}", static_cast<std::uint8_t>(c));
  }
  return shown + '"';
}

}  // namespace rung::check
