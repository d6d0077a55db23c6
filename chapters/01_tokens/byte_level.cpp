#include "chapters/01_tokens/byte_level.h"

#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/vocabulary.h"
#include "core/error.h"

namespace rung {

ByteLevelModel::ByteLevelModel(const TokenizerData& data)
    : pre_tokenizer_(data.split_patterns), unk_(data.unk), fuse_unk_(data.fuse_unk) {
  const ByteAlphabet alphabet;
  const Vocabulary vocabulary(data);

  // A piece with a character outside the alphabet was put in by hand, as text.
  for (const std::string& piece : data.pieces) bytes_.push_back(alphabet.bytes(piece).value_or(piece));
  for (int byte = 0; byte < 256; ++byte)
    byte_ids_[byte] = vocabulary.find(alphabet.spell(static_cast<std::uint8_t>(byte))).value_or(-1);

  merges_.reserve(data.merges.size());
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    const auto& [left, right] = data.merges[rank];
    const std::int32_t left_id = vocabulary.need(left, rank);
    const std::int32_t right_id = vocabulary.need(right, rank);
    merges_.add(left_id, right_id, static_cast<std::int32_t>(rank), vocabulary.need(left + right, rank));
  }
  if (data.ignore_merges)
    for (const auto& [piece, id] : vocabulary.ids()) whole_words_.emplace(bytes_[id], id);
}

void ByteLevelModel::encode(std::string_view text, bool, std::vector<std::int32_t>& ids) const {
  pre_tokenizer_.split(text, [&](std::string_view word) { encode_word(word, ids); });
}

void ByteLevelModel::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (!whole_words_.empty()) {
    const auto found = whole_words_.find(std::string(word));
    if (found != whole_words_.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  // [word]
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  for (const char c : word) {
    const std::int32_t id = byte_ids_[static_cast<std::uint8_t>(c)];
    if (id >= 0)
      symbols.push_back(id);
    else if (unk_ && (!fuse_unk_ || symbols.empty() || symbols.back() != *unk_))
      symbols.push_back(*unk_);
  }
  const std::vector<std::int32_t> merged = merges_.merge(std::move(symbols));
  ids.insert(ids.end(), merged.begin(), merged.end());
  // [word]
}

}  // namespace rung
