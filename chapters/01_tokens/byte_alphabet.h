#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rung {

/// GPT-2 spells each of the 256 bytes as one printable character, so that vocabularies can be written as
/// text: printable Latin-1 stands for itself, the other 68 bytes become U+0100, U+0101, … in order; a space
/// is "Ġ" (Radford et al. 2019, encoder.py, bytes_to_unicode).
class ByteAlphabet {
 public:
  ByteAlphabet();

  /// The character for a byte, as UTF-8.
  const std::string& spell(std::uint8_t byte) const { return spelling_[byte]; }

  /// The bytes that a piece spells; nothing when it has a character outside the alphabet.
  std::optional<std::string> bytes(std::string_view piece) const;

 private:
  std::array<std::string, 256> spelling_;
  std::array<std::int16_t, 0x144> byte_of_;  // by code point; -1: not in the alphabet
};

}  // namespace rung
