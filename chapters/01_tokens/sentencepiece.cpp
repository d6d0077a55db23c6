#include "chapters/01_tokens/sentencepiece.h"

#include <algorithm>

#include "chapters/01_tokens/utf8.h"
#include "chapters/01_tokens/vocabulary.h"
#include "core/checkpoint/byte_piece.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {
namespace {

constexpr std::size_t longest_piece = 1024;

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(from)) {
      out += to;
      at += from.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace

std::string mark_spaces(std::string_view text) {
  return replaced(text, " ", space_mark);
}

SentencePieceModel::SentencePieceModel(const TokenizerData& data) : fuse_unk_(data.fuse_unk), unk_(data.unk) {
  const Vocabulary vocabulary(data);
  for (const std::string& piece : data.pieces) bytes_.push_back(replaced(piece, space_mark, " "));
  read_bytes(data);
  if (unk_) bytes_[*unk_] = " \xE2\x81\x87 ";  // " ⁇ ", what SentencePiece writes for it

  for (const auto& [piece, id] : vocabulary.ids())
    if (data.types[id] == PieceType::normal && first_utf8(piece).bytes == piece.size())
      characters_.emplace(piece, id);

  // Where no piece reaches over the beginning of a word, words can be merged one by one, with the same
  // result: a short queue stays in the processor's cache.
  const auto reaches_over = [](std::string_view piece) {
    while (piece.starts_with(space_mark)) piece.remove_prefix(space_mark.size());
    return piece.find(space_mark) != std::string_view::npos;
  };
  words_stand_alone_ = characters_.contains(std::string(space_mark));
  for (const auto& [piece, id] : vocabulary.ids())
    if (data.types[id] == PieceType::normal && reaches_over(piece)) words_stand_alone_ = false;

  if (!data.scores.empty()) {
    rank_by_score(data, vocabulary);
    return;
  }
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    const auto& [left, right] = data.merges[rank];
    const std::int32_t left_id = vocabulary.need(left, rank);
    const std::int32_t right_id = vocabulary.need(right, rank);
    merges_.add(left_id, right_id, static_cast<std::int32_t>(rank), vocabulary.need(left + right, rank));
  }
}

void SentencePieceModel::read_bytes(const TokenizerData& data) {
  byte_ids_.fill(-1);
  int found = 0;
  for (std::size_t i = 0; i < data.pieces.size(); ++i) {
    if (data.types[i] != PieceType::byte) continue;
    const auto byte = byte_of_piece(data.pieces[i]);
    if (!byte || byte_ids_[*byte] >= 0)
      throw Error(ErrorKind::bad_input,
                  "tokenizer: expected id {} to be a byte spelled like <0x2A>, once, found \"{}\"", i,
                  printable(data.pieces[i], 20));
    byte_ids_[*byte] = static_cast<std::int32_t>(i);
    bytes_[i] = std::string(1, static_cast<char>(*byte));
    ++found;
  }
  if (found != 0 && found != 256)
    throw Error(ErrorKind::bad_input, "tokenizer: expected pieces for all 256 bytes or for none, found {}",
                found);
  if (found == 0 && !unk_)
    throw Error(ErrorKind::bad_input,
                "tokenizer: expected pieces for bytes or an unknown-token for characters that are not in the "
                "vocabulary, found neither");
}

// Where the file has scores instead of merges, two neighbours may merge whenever their text is a piece, and
// the piece's score says how soon. Equal scores get equal ranks, so that the leftmost goes first.
void SentencePieceModel::rank_by_score(const TokenizerData& data, const Vocabulary& vocabulary) {
  std::vector<std::int32_t> best_first;
  for (const auto& [piece, id] : vocabulary.ids())
    if (data.types[id] == PieceType::normal) best_first.push_back(id);
  std::sort(best_first.begin(), best_first.end(),
            [&](std::int32_t a, std::int32_t b) { return data.scores[a] > data.scores[b]; });

  std::int32_t rank = 0;
  for (std::size_t i = 0; i < best_first.size(); ++i) {
    const std::int32_t id = best_first[i];
    if (i > 0 && data.scores[id] < data.scores[best_first[i - 1]]) ++rank;
    const std::string_view piece = data.pieces[id];
    if (piece.size() > longest_piece)  // every cut of it is looked up, which is quadratic
      throw Error(ErrorKind::bad_input, "tokenizer: expected pieces of at most {} bytes, found {} at id {}",
                  longest_piece, piece.size(), id);
    for (std::size_t cut = first_utf8(piece).bytes; cut < piece.size();
         cut += first_utf8(piece.substr(cut)).bytes) {
      const auto left = vocabulary.find(piece.substr(0, cut));
      const auto right = vocabulary.find(piece.substr(cut));
      if (left && right) merges_.add(*left, *right, rank, id);
    }
  }
}

void SentencePieceModel::encode(std::string_view text, bool dummy_prefix,
                                std::vector<std::int32_t>& ids) const {
  std::string marked = mark_spaces(text);
  if (dummy_prefix) marked.insert(0, space_mark);

  std::vector<std::int32_t> symbols;
  const auto merge = [&] {
    const std::vector<std::int32_t> merged = merges_.merge(std::move(symbols));
    ids.insert(ids.end(), merged.begin(), merged.end());
    symbols.clear();
  };
  bool after_space = true;
  for (std::string_view rest = marked; !rest.empty();) {
    const std::string_view character = rest.substr(0, first_utf8(rest).bytes);
    rest.remove_prefix(character.size());
    const bool space = character == space_mark;
    if (space && !after_space && words_stand_alone_) merge();
    after_space = space;

    // [fallback]
    const auto found = characters_.find(std::string(character));
    if (found != characters_.end()) {
      symbols.push_back(found->second);
    } else if (byte_ids_[0] >= 0) {
      for (const char c : character) symbols.push_back(byte_ids_[static_cast<std::uint8_t>(c)]);
    } else if (!fuse_unk_ || symbols.empty() || symbols.back() != *unk_) {
      symbols.push_back(*unk_);
    }
    // [fallback]
  }
  merge();
}

}  // namespace rung
