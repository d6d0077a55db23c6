#include "chapters/01_tokens/utf8.h"
#include "chapters/01_tokens/utf8_stream.h"

namespace rung {

std::string Utf8Stream::push(std::string_view bytes) {
  waiting_ += bytes;
  std::string whole;
  std::string_view rest = waiting_;
  while (!rest.empty()) {
    const Utf8Head head = first_utf8(rest);
    if (head.what == Utf8::character)
      whole += rest.substr(0, head.bytes);
    else
      whole += replacement_character;
    rest.remove_prefix(head.bytes);
  }
  waiting_ = std::string(rest);
  return whole;
}

std::string Utf8Stream::finish() {
  std::string rest;
  for (std::size_t i = 0; i < waiting_.size(); ++i) rest += replacement_character;
  waiting_.clear();
  return rest;
}

}  // namespace rung
