// Exercise 1.2: the byte alphabet. What the two functions must do stands in chapters/01_tokens/byte_alphabet.h.
//
// This file takes the place of chapters/01_tokens/byte_alphabet.cpp, so it must define what that one does: the
// constructor of ByteAlphabet, and ByteAlphabet::bytes.

#include "chapters/01_tokens/byte_alphabet.h"

#include "core/error.h"

namespace rung {
namespace {

// Given: the UTF-8 of a code point below U+0800, which is one byte below U+0080 and two above.
[[maybe_unused]] std::string utf8_of(int code) {
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace

// Fills spelling_, by byte, and byte_of_, by code point.
ByteAlphabet::ByteAlphabet() {
  throw Error(ErrorKind::bad_input,
              "ByteAlphabet is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.2");
}

// The bytes that a piece (UTF-8) spells, or std::nullopt.
std::optional<std::string> ByteAlphabet::bytes(std::string_view piece) const {
  throw Error(ErrorKind::bad_input,
              "ByteAlphabet::bytes is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.2");
}

}  // namespace rung
