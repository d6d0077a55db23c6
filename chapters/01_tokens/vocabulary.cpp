#include "chapters/01_tokens/vocabulary.h"

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

Vocabulary::Vocabulary(const TokenizerData& data) {
  for (std::size_t i = 0; i < data.pieces.size(); ++i) {
    if (data.types[i] != PieceType::normal && data.types[i] != PieceType::user_defined) continue;
    if (data.pieces[i].empty())
      throw Error(ErrorKind::bad_input, "tokenizer: expected a piece at id {}, found an empty one", i);
    const auto [there, is_new] = ids_.emplace(data.pieces[i], static_cast<std::int32_t>(i));
    if (!is_new)
      throw Error(ErrorKind::bad_input,
                  "tokenizer: expected pieces that differ, found ids {} and {} spelled alike", there->second,
                  i);
  }
}

std::optional<std::int32_t> Vocabulary::find(std::string_view piece) const {
  const auto found = ids_.find(piece);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::int32_t Vocabulary::need(std::string_view piece, std::size_t merge) const {
  const auto found = find(piece);
  if (!found)
    throw Error(ErrorKind::bad_input, "tokenizer: merge {} needs \"{}\", which the vocabulary lacks", merge,
                printable(piece));
  return *found;
}

}  // namespace rung
