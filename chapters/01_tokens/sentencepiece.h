#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "chapters/01_tokens/bpe.h"
#include "chapters/01_tokens/tokenizer.h"

namespace rung {

/// U+2581, which stands for a space in SentencePiece's pieces.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";

/// The text with U+2581 for every space.
std::string mark_spaces(std::string_view text);

/// SentencePiece's BPE (Kudo and Richardson 2018, arXiv:1808.06226), as Llama 2 and Mistral use it: no words,
/// a space is the character U+2581, characters are the smallest pieces, and a character the vocabulary lacks
/// is written as its bytes, <0xE2><0x82><0xAC>.
class SentencePieceModel final : public Tokenizer::Model {
 public:
  /// @throws Error (bad_input) when bytes or scores are incomplete, or a merge names a piece that is not
  /// there
  explicit SentencePieceModel(const TokenizerData& data);

  void encode(std::string_view text, bool dummy_prefix, std::vector<std::int32_t>& ids) const override;
  std::string bytes(std::int32_t id) const override { return bytes_[id]; }

 private:
  void read_bytes(const TokenizerData& data);
  void rank_by_score(const TokenizerData& data, const class Vocabulary& vocabulary);

  bool fuse_unk_;
  bool words_stand_alone_ = false;  // no piece has a space behind its first other character
  std::optional<std::int32_t> unk_;
  std::vector<std::string> bytes_;          // by id
  std::array<std::int32_t, 256> byte_ids_;  // all or none are -1
  std::unordered_map<std::string, std::int32_t> characters_;
  MergeTable merges_;
};

}  // namespace rung
