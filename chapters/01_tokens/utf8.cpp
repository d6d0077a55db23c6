#include "chapters/01_tokens/utf8.h"

#include <cstdint>

namespace rung {
namespace {

struct Lead {
  std::size_t bytes = 0;            // 0: no character starts like this
  std::uint8_t second_from = 0x80;  // the second byte is in [second_from, second_to], later ones in [80, BF]
  std::uint8_t second_to = 0xBF;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {.bytes = 1};
  if (byte < 0xC2) return {};  // a continuation byte, or the overlong spelling of ASCII
  if (byte < 0xE0) return {.bytes = 2};
  if (byte == 0xE0) return {.bytes = 3, .second_from = 0xA0};  // below: overlong
  if (byte == 0xED) return {.bytes = 3, .second_to = 0x9F};    // above: surrogates
  if (byte < 0xF0) return {.bytes = 3};
  if (byte == 0xF0) return {.bytes = 4, .second_from = 0x90};  // below: overlong
  if (byte < 0xF4) return {.bytes = 4};
  if (byte == 0xF4) return {.bytes = 4, .second_to = 0x8F};  // above: beyond U+10FFFF
  return {};
}

}  // namespace

Utf8Head first_utf8(std::string_view text) {
  const Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
  if (lead.bytes == 0) return {Utf8::invalid, 1};
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    if (i == text.size()) return {Utf8::incomplete, i};
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::uint8_t from = i == 1 ? lead.second_from : 0x80;
    const std::uint8_t to = i == 1 ? lead.second_to : 0xBF;
    if (byte < from || byte > to) return {Utf8::invalid, 1};
  }
  return {Utf8::character, lead.bytes};
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Utf8Head head = first_utf8(text);
    const std::size_t bytes = head.what == Utf8::character ? head.bytes : 1;
    valid += head.what == Utf8::character ? text.substr(0, bytes) : replacement_character;
    text.remove_prefix(bytes);
  }
  return valid;
}

}  // namespace rung
