#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/tokens.h"

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

/// Reads with `UTF-8 of two bytes` taken more generously than it may be.
struct Lenient {
  bool end = false, second = false, overlong = false, first = false, longer = false;
  bool second_above = false;  ///< 11yyyyyy as the second byte
};

Output leniently(const ByteAlphabetInput& input, const Lenient& lenient) {
  if (input.way == Way::spell) return oracle::spelled_bytes(input.text);
  std::array<int, 0x144> byte_of{};
  byte_of.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    byte_of[static_cast<std::size_t>(printable(byte) ? byte : next++)] = byte;
  const std::string text = input.text + std::string(behind_the_piece);
  std::string bytes;
  for (std::size_t i = 0; i < input.text.size(); ++i) {
    int code = static_cast<std::uint8_t>(text[i]);
    if (code >= 0x80) {
      if ((code < 0xC0 && !lenient.first) || (code >= 0xE0 && !lenient.longer)) return std::nullopt;
      if (i + 1 == input.text.size() && !lenient.end) return std::nullopt;
      const int second = static_cast<std::uint8_t>(text[++i]);
      const bool may_stand = (second & 0xC0) == 0x80 || (second >= 0xC0 && lenient.second_above);
      if (!may_stand && !lenient.second) return std::nullopt;
      code = (code & 0x1F) << 6 | (second & 0x3F);
      if (code < 0x80 && !lenient.overlong) return std::nullopt;
    }
    if (code >= 0x144 || byte_of[static_cast<std::size_t>(code)] < 0) return std::nullopt;
    bytes += static_cast<char>(byte_of[static_cast<std::size_t>(code)]);
  }
  return bytes;
}

std::function<Output(const ByteAlphabetInput&)> lenient(const Lenient& lenient) {
  return [lenient](const ByteAlphabetInput& input) { return leniently(input, lenient); };
}

// Bytes from 0x80 on read as negative numbers, which are in no table.
Output as_plain_char(const ByteAlphabetInput& input) {
  if (input.way == Way::spell) return oracle::spelled_bytes(input.text);
  const bool above =
      std::ranges::any_of(input.text, [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; });
  return above ? std::nullopt : oracle::bytes_of_spelling(input.text);
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
      {"cut-of-three",
       "bytes(\"\\xE3\\x81\"), the first two bytes of a character of three",
       {Way::bytes, "\xE3\x81"}},
      {"second-first",
       "bytes(\"\\x83\\x81\"), of which neither can begin a character",
       {Way::bytes, "\x83\x81"}},
      {"no-continuation",
       "bytes(\"\\xC3\" \"A\"): 0x41 is no second byte",
       {Way::bytes,
        "\xC3"
        "A"}},
      {"first-for-second", "bytes(\"\\xC3\\xC3\"): 0xC3 is no second byte either", {Way::bytes, "\xC3\xC3"}},
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
      {"end_not_checked",
       "a piece that ends inside a character was read on behind its end; look whether there is a second byte",
       lenient({.end = true})},
      {"second_byte_not_checked",
       "a second byte was taken as it came; it must be 10yyyyyy, or there is no such character",
       lenient({.second = true})},
      {"second_byte_half_checked",
       "11yyyyyy was taken as a second byte, as when its top bit alone is looked at; it must be 10yyyyyy",
       lenient({.second_above = true})},
      {"plain_char",
       "bytes from 0x80 on were read as negative numbers, for a plain char has a sign here; make it a "
       "std::uint8_t first",
       as_plain_char},
      {"overlong_taken",
       "a character below U+0080 was taken in two bytes, as C1 A1 for the letter a; that is no UTF-8",
       lenient({.overlong = true})},
      {"second_byte_first",
       "a byte 10yyyyyy was taken as the first of a character; the first of two is 110xxxxx",
       lenient({.first = true})},
      {"three_bytes_as_two",
       "the beginning 1110xxxx of a character of three bytes was taken as one of two; that is 110xxxxx",
       lenient({.longer = true})},
  };
  check.show = [](const Output& text) { return text ? show_bytes(*text) : std::string("nothing"); };
  return check;
}

}  // namespace rung::check
