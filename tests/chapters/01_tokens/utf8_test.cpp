#include "chapters/01_tokens/utf8.h"

#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/utf8_stream.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE("UTF-8: characters, beginnings of characters, and bytes that cannot stand there") {
  const auto is = [](std::string_view text, Utf8 what, std::size_t bytes) {
    const Utf8Head head = first_utf8(text);
    return head.what == what && head.bytes == bytes;
  };
  CHECK(is("a", Utf8::character, 1));
  CHECK(is("\xC3\xA9x", Utf8::character, 2));
  CHECK(is("\xE2\x82\xAC", Utf8::character, 3));
  CHECK(is("\xF0\x9F\x98\x80", Utf8::character, 4));
  CHECK(is("\xF4\x8F\xBF\xBF", Utf8::character, 4));  // U+10FFFF, the last one
  CHECK(is("\xC3", Utf8::incomplete, 1));
  CHECK(is("\xF0\x9F\x98", Utf8::incomplete, 3));
  CHECK(is("\x80", Utf8::invalid, 1));              // a continuation byte alone
  CHECK(is("\xC1\x81", Utf8::invalid, 1));          // 'A' spelled with two bytes
  CHECK(is("\xE0\x81\x81", Utf8::invalid, 1));      // and with three
  CHECK(is("\xF0\x80\x81\x81", Utf8::invalid, 1));  // and with four
  CHECK(is("\xED\xA0\x80", Utf8::invalid, 1));      // a surrogate
  CHECK(is("\xF4\x90\x80\x80", Utf8::invalid, 1));  // above U+10FFFF
  CHECK(is("\xC3x", Utf8::invalid, 1));
}

TEST_CASE("UTF-8: every invalid byte becomes one U+FFFD") {
  const std::string r(replacement_character);
  CHECK(valid_utf8("a\xFF"
                   "b") == "a" + r + "b");
  CHECK(valid_utf8("\xE2\x82") == r + r);
  CHECK(valid_utf8("\xF0\x9F\x98x") == r + r + r + "x");
  CHECK(valid_utf8("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
}

TEST_CASE("The stream never lets half a character out, wherever the bytes are cut") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string out;
      for (const std::string& part :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        const std::string let_out = stream.push(part);
        CHECK(valid_utf8(let_out) == let_out);
        out += let_out;
      }
      CHECK(out + stream.finish() == text);
    }
  }
}

TEST_CASE("The stream shows what never became a character as U+FFFD, and goes on") {
  const std::string r(replacement_character);
  Utf8Stream stream;
  CHECK(stream.push("\xF0\x9F").empty());
  CHECK(stream.push("x") == r + r + "x");
  CHECK(stream.push("\xE2\x82").empty());
  CHECK(stream.finish() == r + r);
  CHECK(stream.finish().empty());
}

TEST_CASE("GPT-2's alphabet: 256 bytes, 256 printable characters, both ways") {
  const ByteAlphabet alphabet;
  CHECK(alphabet.spell('A') == "A");
  CHECK(alphabet.spell(' ') == "\xC4\xA0");   // U+0120, "Ġ"
  CHECK(alphabet.spell('\n') == "\xC4\x8A");  // U+010A, "Ċ"
  CHECK(alphabet.spell(0xAD) == "\xC5\x83");  // U+0143, the last one
  for (int byte = 0; byte < 256; ++byte) {
    const auto back = alphabet.bytes(alphabet.spell(static_cast<std::uint8_t>(byte)));
    REQUIRE(back.has_value());
    CHECK(*back == std::string(1, static_cast<char>(byte)));
  }
  CHECK_FALSE(alphabet.bytes("a b").has_value());           // a plain space spells nothing
  CHECK_FALSE(alphabet.bytes("\xE2\x96\x81").has_value());  // nor does a character above U+07FF
  CHECK_FALSE(alphabet.bytes("a\xC4").has_value());         // nor half a character
}
