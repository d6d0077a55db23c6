#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rung {

/// What the bytes at the start of a text are, by the Unicode Standard's table of well-formed UTF-8 (chapter
/// 3, table 3-7): no overlong spellings, no surrogates, nothing above U+10FFFF.
enum class Utf8 {
  character,   ///< a whole character
  incomplete,  ///< the beginning of one; the text ends too early
  invalid,     ///< a byte that cannot stand here
};

/// What first_utf8() finds.
struct Utf8Head {
  Utf8 what = Utf8::invalid;
  std::size_t bytes = 0;  ///< of the character; of the beginning; 1 for an invalid byte
};

/// Looks at the first character of a text that is not empty.
Utf8Head first_utf8(std::string_view text);

/// U+FFFD, what stands for a byte that is no UTF-8.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// The text with every byte that belongs to no character replaced by U+FFFD, one for one. SentencePiece and
/// llama.cpp read their input so.
std::string valid_utf8(std::string_view text);

}  // namespace rung
