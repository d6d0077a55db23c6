#include "chapters/01_tokens/chat_writer.h"

#include <utility>

#include "core/error.h"

namespace rung {

void ChatWriter::marker(std::string_view marker) {
  const auto id = tokenizer_.control_token(marker);
  if (!id)
    throw Error(ErrorKind::bad_input,
                "chat: the model's chat template uses {}, but its vocabulary has no such control token",
                marker);
  token(id);
}

void ChatWriter::token(std::optional<std::int32_t> id) {
  flush();
  if (id) ids_.push_back(*id);
}

std::vector<std::int32_t> ChatWriter::finish() {
  flush();
  return std::move(ids_);
}

void ChatWriter::flush() {
  const auto before = first_ && ids_.empty() ? Tokenizer::Before::nothing : Tokenizer::Before::control_token;
  const auto ids = tokenizer_.encode(text_, Tokenizer::Special::as_text, Tokenizer::AddSpecial::none, before);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  text_.clear();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

}  // namespace rung
