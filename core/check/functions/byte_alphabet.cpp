#include <array>

#include <fmt/format.h>

#include "core/check/functions/functions.h"

namespace rung::check {
namespace {

using Way = ByteAlphabetInput::Way;
using Output = std::optional<std::string>;

std::string short_utf8(int code) {  // of a code point below U+0800
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 + code / 64), static_cast<char>(0x80 + code % 64)};
}

// An alphabet by a spelling for each byte.
Output with_spellings(const ByteAlphabetInput& input, const std::array<std::string, 256>& spellings) {
  std::string out;
  std::string_view rest = input.text;
  while (!rest.empty()) {
    std::size_t used = 1;
    if (input.way == Way::spell) {
      out += spellings[static_cast<std::uint8_t>(rest[0])];
    } else {
      int found = -1;
      for (int byte = 0; byte < 256; ++byte)
        if (rest.starts_with(spellings[static_cast<std::size_t>(byte)])) found = byte;
      if (found < 0) return std::nullopt;
      out += static_cast<char>(found);
      used = spellings[static_cast<std::size_t>(found)].size();
    }
    rest.remove_prefix(used);
  }
  return out;
}

bool printable(int byte) {
  return (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
}

Output soft_hyphen_stands(const ByteAlphabetInput& input) {
  std::array<std::string, 256> spellings;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    spellings[static_cast<std::size_t>(byte)] = short_utf8(printable(byte) || byte == 0xAD ? byte : next++);
  return with_spellings(input, spellings);
}

Output numbered_by_byte(const ByteAlphabetInput& input) {
  std::array<std::string, 256> spellings;
  for (int byte = 0; byte < 256; ++byte)
    spellings[static_cast<std::size_t>(byte)] = short_utf8(printable(byte) ? byte : 0x100 + byte);
  return with_spellings(input, spellings);
}

Output latin_as_raw_bytes(const ByteAlphabetInput& input) {
  std::array<std::string, 256> spellings;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    spellings[static_cast<std::size_t>(byte)] =
        printable(byte) ? std::string(1, static_cast<char>(byte)) : short_utf8(next++);
  return with_spellings(input, spellings);
}

Output space_stands(const ByteAlphabetInput& input) {
  std::array<std::string, 256> spellings;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    spellings[static_cast<std::size_t>(byte)] = short_utf8(printable(byte) || byte == 0x20 ? byte : next++);
  return with_spellings(input, spellings);
}

// A character of one or two bytes at a time; those outside the alphabet are passed over.
Output strangers_left_out(const ByteAlphabetInput& input) {
  if (input.way == Way::spell) return oracle::spelled_bytes(input.text);
  std::string bytes;
  std::string_view rest = input.text;
  while (!rest.empty()) {
    const std::size_t used = static_cast<std::uint8_t>(rest[0]) < 0x80 ? 1 : 2;
    bytes += oracle::bytes_of_spelling(rest.substr(0, used)).value_or("");
    rest.remove_prefix(std::min(used, rest.size()));
  }
  return bytes;
}

std::string all_bytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

}  // namespace

FunctionCheck<ByteAlphabetInput, Output> byte_alphabet_check() {
  FunctionCheck<ByteAlphabetInput, Output> check;
  check.name = "byte_alphabet";
  check.chapter = 1;
  check.what = "bytes spelled as printable characters, and back";
  check.cases = {
      {"letter", "spell(0x61), the letter a", {Way::spell, "a"}},
      {"space", "spell(0x20), a space", {Way::spell, " "}},
      {"control", "spell(0x00), the first of the other bytes", {Way::spell, std::string(1, '\0')}},
      {"delete", "spell(0x7F), the first one behind the letters", {Way::spell, "\x7F"}},
      {"umlaut", "spell(0xC3) and spell(0xBC), the two bytes of an umlaut", {Way::spell, "\xC3\xBC"}},
      {"soft-hyphen", "spell(0xAD), a character that cannot be seen", {Way::spell, "\xAD"}},
      {"all", "spell of all 256 bytes", {Way::spell, all_bytes()}},
      {"bytes-of-word", "bytes(\"\\u0120the\"), a space and a word", {Way::bytes, "\xC4\xA0the"}},
      {"bytes-of-all", "bytes of the whole alphabet", {Way::bytes, oracle::spelled_bytes(all_bytes())}},
      {"outside", "bytes(\"a b\"): a space is not in the alphabet", {Way::bytes, "a b"}},
      {"behind-the-last", "bytes(\"\\u0144\"): the last character is U+0143", {Way::bytes, "\xC5\x84"}},
      {"longer", "bytes of a character of three bytes of UTF-8", {Way::bytes, "a\xE6\x97\xA5"}},
      {"cut", "bytes(\"a\\xC4\"), where a character is cut off", {Way::bytes, "a\xC4"}},
      {"no-continuation",
       "bytes(\"\\xC3\" \"A\"): 0x41 is no second byte",
       {Way::bytes,
        "\xC3"
        "A"}},
      {"overlong",
       "bytes(\"\\xC1\\xA1\"), the letter a in two bytes, which is no UTF-8",
       {Way::bytes, "\xC1\xA1"}},
      {"empty", "bytes(\"\")", {Way::bytes, ""}},
  };
  check.oracle = [](const ByteAlphabetInput& input) -> Output {
    if (input.way == Way::spell) return oracle::spelled_bytes(input.text);
    return oracle::bytes_of_spelling(input.text);
  };
  check.mistakes = {
      {"numbered_by_byte",
       "the other bytes became U+0100 plus the byte; they are numbered in order: U+0100, U+0101, U+0102",
       numbered_by_byte},
      {"soft_hyphen_stands",
       "0xAD stands for itself; it is the soft hyphen, which cannot be seen, and is spelled otherwise",
       soft_hyphen_stands},
      {"space_stands",
       "a space stands for itself; vocabularies are lists with spaces between pieces, so it has a character",
       space_stands},
      {"latin_as_raw_bytes",
       "bytes from 0xA1 were put out as they are, which is no UTF-8; U+00A1 is the two bytes C2 A1",
       latin_as_raw_bytes},
      {"strangers_left_out",
       "characters outside the alphabet were left out; a piece that has one is spelled in no bytes at all",
       strangers_left_out},
  };
  check.show = [](const Output& text) { return text ? show_bytes(*text) : std::string("nothing"); };
  return check;
}

}  // namespace rung::check
