#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rung {

/// The two algorithms of byte-pair encoding in use.
enum class TokenizerKind {
  byte_level,  ///< GPT-2 and after: split by a regex, bytes spelled as printable characters, merges by rank
  sentencepiece,  ///< Llama 2, Mistral: spaces as U+2581, merges by score, bytes <0x00> … <0xFF> for the rest
};

enum class PieceType { normal, unknown, control, user_defined, unused, byte };

/// Everything a checkpoint says about its tokenizer, from GGUF metadata or tokenizer.json. Ids are indices.
struct TokenizerData {
  TokenizerKind kind = TokenizerKind::byte_level;
  std::vector<std::string> pieces;  ///< as stored: byte_level pieces in GPT-2's printable spelling
  std::vector<PieceType> types;     ///< one per piece
  std::vector<float> scores;  ///< one per piece (sentencepiece from GGUF), or empty: then `merges` rank them
  std::vector<std::pair<std::string, std::string>> merges;  ///< best first
  /// byte_level: the splits that come before BPE, in order; each is a PCRE2 pattern whose matches become
  /// words (text between matches is kept as words too). The loader translates names ("smollm", "llama-bpe",
  /// "gpt-2").
  std::vector<std::string> split_patterns;
  bool ignore_merges = false;     ///< byte_level: a word that is a piece is taken whole (Llama 3)
  bool add_dummy_prefix = false;  ///< sentencepiece: a space is put before the text
  bool add_bos = false;
  bool add_eos = false;
  std::optional<std::int32_t> bos, eos, unk;
  std::vector<std::int32_t> end_of_turn;  ///< ids at which generation stops: eos, <|im_end|>, <|eot_id|>
  std::string chat_template;              ///< Jinja, as stored; empty when there is none
};

}  // namespace rung
