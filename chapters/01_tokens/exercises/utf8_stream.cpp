// Exercise 1.1: whole characters. What the two functions must do stands in chapters/01_tokens/utf8_stream.h.
//
// This file takes the place of chapters/01_tokens/utf8_stream.cpp, so it must define what that one does:
// Utf8Stream::push and Utf8Stream::finish. first_utf8 and replacement_character are the chapter's own (utf8.h).

#include "chapters/01_tokens/utf8_stream.h"

#include "chapters/01_tokens/utf8.h"
#include "core/error.h"

namespace rung {

std::string Utf8Stream::push(std::string_view bytes) {  // the next bytes; returns whole characters
  throw Error(ErrorKind::bad_input,
              "Utf8Stream::push is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.1");
}

std::string Utf8Stream::finish() {  // the text is over; returns one U+FFFD for each byte that waits
  throw Error(ErrorKind::bad_input,
              "Utf8Stream::finish is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.1");
}

}  // namespace rung
