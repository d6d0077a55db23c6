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

/// What kind of piece an id is, as llama.cpp and SentencePiece name them.
enum class PieceType { normal, unknown, control, user_defined, unused, byte };

/// Before what a tokenizer puts SentencePiece's dummy prefix, a space, so that a text's first word is the
/// piece that it is elsewhere.
enum class DummyPrefix {
  none,
  texts,  ///< SentencePiece and llama.cpp: a text, and what follows a control token
  /// Hugging Face's `Prepend`: every stretch of text between two added tokens, user-defined ones too
  stretches,
  /// `Metaspace` with "always": every stretch that does not begin with a space
  bare_stretches,
  /// `Metaspace` with "first": a text that begins with neither a space nor an added token
  bare_texts,
};

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
  bool ignore_merges = false;  ///< byte_level: a word that is a piece is taken whole (Llama 3)
  DummyPrefix dummy_prefix = DummyPrefix::none;  ///< sentencepiece
  bool fuse_unk = true;  ///< a run of what the vocabulary lacks is one unknown-token; else one for each
  /// Control and user-defined pieces that are looked for after the others, and after `Prepend` has put its
  /// space: "normalized" in tokenizer.json.
  std::vector<std::int32_t> found_normalized;
  bool add_bos = false;
  bool add_eos = false;
  std::optional<std::int32_t> bos, eos;
  std::optional<std::int32_t> unk;        ///< for what the vocabulary lacks; without one, bytes are left out
  std::vector<std::int32_t> end_of_turn;  ///< ids at which generation stops: eos, <|im_end|>, <|eot_id|>
  std::string chat_template;              ///< Jinja, as stored; empty when there is none
  std::string file;                       ///< where this was read, for errors; may be empty
};

}  // namespace rung
