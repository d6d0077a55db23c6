#include "chapters/01_tokens/byte_alphabet.h"

namespace rung {
namespace {

// '!' … '~', '¡' … '¬' and '®' … 'ÿ': Latin-1 without control characters, spaces and the soft hyphen.
bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// UTF-8 of a code point below U+0800.
std::string utf8_of(int code) {
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  byte_of_.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const int code = stands_for_itself(byte) ? byte : next++;
    spelling_[byte] = utf8_of(code);
    byte_of_[code] = static_cast<std::int16_t>(byte);
  }
}

std::optional<std::string> ByteAlphabet::bytes(std::string_view piece) const {
  std::string bytes;
  for (std::size_t i = 0; i < piece.size(); ++i) {
    int code = static_cast<std::uint8_t>(piece[i]);
    if (code >= 0x80) {  // a code point below U+0800 takes two bytes
      if (code < 0xC2 || code >= 0xE0 || i + 1 == piece.size()) return std::nullopt;
      const int second = static_cast<std::uint8_t>(piece[++i]);
      if ((second & 0xC0) != 0x80) return std::nullopt;
      code = (code & 0x1F) << 6 | (second & 0x3F);
    }
    if (code >= static_cast<int>(byte_of_.size()) || byte_of_[code] < 0) return std::nullopt;
    bytes += static_cast<char>(byte_of_[code]);
  }
  return bytes;
}

}  // namespace rung
