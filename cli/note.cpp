#include "cli/note.h"

#include <cstdio>
#include <string>

#include "chapters/01_tokens/utf8.h"

namespace rung {
namespace {

/// C0, DEL, and C1, of which one begins an escape sequence by itself.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

void print_note(std::string_view line) {
  const std::string valid = valid_utf8(line);
  std::string shown;
  for (std::string_view rest = valid; !rest.empty();) {
    const std::string_view character = rest.substr(0, first_utf8(rest).bytes);
    rest.remove_prefix(character.size());
    if (is_control(character)) {
      for (const char byte : character) shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      shown += character;
    }
  }
  shown += '\n';
  std::fputs(shown.c_str(), stderr);
}

}  // namespace rung
