#include "core/checkpoint/gguf_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/checkpoint/byte_piece.h"
#include "core/checkpoint/printable.h"
#include "core/checkpoint/split_patterns.h"
#include "core/checkpoint/turn_markers.h"
#include "core/error.h"

namespace rung {

namespace {

PieceType piece_type(const GgufMetadata& metadata, std::int64_t number, std::size_t id) {
  switch (number) {
    case 1:
      return PieceType::normal;
    case 2:
      return PieceType::unknown;
    case 3:
      return PieceType::control;
    case 4:
      return PieceType::user_defined;
    case 5:
      return PieceType::unused;
    case 6:
      return PieceType::byte;
    default:
      throw Error(ErrorKind::bad_input,
                  "{}: metadata tokenizer.ggml.token_type: {} of token {} is not a type (1 to 6)",
                  metadata.file().string(), number, id);
  }
}

void read_pieces(const GgufMetadata& metadata, std::int64_t vocab, TokenizerData& tokenizer) {
  const auto pieces = metadata.texts("tokenizer.ggml.tokens");
  if (static_cast<std::int64_t>(pieces.size()) != vocab) {
    throw Error(
        ErrorKind::bad_input,
        "{}: metadata tokenizer.ggml.tokens: {} tokens, but the embedding has {} rows; they must be as many",
        metadata.file().string(), pieces.size(), vocab);
  }
  tokenizer.pieces.assign(pieces.begin(), pieces.end());

  const auto count = metadata.count("tokenizer.ggml.token_type");  // before eight bytes are taken for each
  if (count != 0 && count != pieces.size()) {
    throw Error(ErrorKind::bad_input, "{}: metadata tokenizer.ggml.token_type: {} types for {} tokens",
                metadata.file().string(), count, pieces.size());
  }
  const auto types = metadata.integers("tokenizer.ggml.token_type");
  tokenizer.types.assign(pieces.size(), PieceType::normal);
  for (std::size_t id = 0; id < types.size(); ++id) tokenizer.types[id] = piece_type(metadata, types[id], id);

  tokenizer.scores = metadata.floats("tokenizer.ggml.scores");
  if (!tokenizer.scores.empty() && tokenizer.scores.size() != pieces.size()) {
    throw Error(ErrorKind::bad_input, "{}: metadata tokenizer.ggml.scores: {} scores for {} tokens",
                metadata.file().string(), tokenizer.scores.size(), pieces.size());
  }
  for (std::size_t id = 0; id < tokenizer.scores.size(); ++id) {
    if (std::isnan(tokenizer.scores[id])) {
      throw Error(ErrorKind::bad_input,
                  "{}: metadata tokenizer.ggml.scores: the score of token {} is not a number",
                  metadata.file().string(), id);
    }
  }
}

void check_pieces(const GgufMetadata& metadata, const TokenizerData& tokenizer) {
  std::unordered_map<std::string_view, std::size_t> ids;
  ids.reserve(tokenizer.pieces.size());
  for (std::size_t id = 0; id < tokenizer.pieces.size(); ++id) {
    const std::string& piece = tokenizer.pieces[id];
    if (piece.empty()) {
      throw Error(ErrorKind::bad_input, "{}: metadata tokenizer.ggml.tokens: token {} is empty",
                  metadata.file().string(), id);
    }
    const auto [other, fresh] = ids.emplace(piece, id);
    if (!fresh) {
      throw Error(ErrorKind::bad_input,
                  "{}: metadata tokenizer.ggml.tokens: tokens {} and {} are both \"{}\"",
                  metadata.file().string(), other->second, id, printable(piece));
    }
  }
}

void read_merges(const GgufMetadata& metadata, TokenizerData& tokenizer) {
  for (const std::string_view merge : metadata.texts("tokenizer.ggml.merges")) {
    // "left right": pieces spell their own spaces otherwise, so that the first one behind the first character
    // is what parts them.
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      throw Error(ErrorKind::bad_input,
                  "{}: metadata tokenizer.ggml.merges: merge {}, \"{}\", is not two pieces",
                  metadata.file().string(), tokenizer.merges.size(), printable(merge));
    }
    tokenizer.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
}

std::optional<std::int32_t> read_id(const GgufMetadata& metadata, std::string_view key, std::size_t pieces) {
  const auto id = metadata.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= static_cast<std::int64_t>(pieces)) {
    throw Error(ErrorKind::bad_input, "{}: metadata {}: {} is not the id of one of the {} tokens",
                metadata.file().string(), key, *id, pieces);
  }
  return static_cast<std::int32_t>(*id);
}

/// Where generation stops: the end of the text, and the ends of a turn that chat models write. The latter are
/// found by their names, because few files say which token it is.
std::vector<std::int32_t> find_end_of_turn(const GgufMetadata& metadata, const TokenizerData& tokenizer) {
  std::vector<std::int32_t> ids;
  const auto add = [&ids](std::int32_t id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  if (tokenizer.eos) add(*tokenizer.eos);
  if (const auto eot = read_id(metadata, "tokenizer.ggml.eot_token_id", tokenizer.pieces.size())) add(*eot);
  for (std::size_t id = 0; id < tokenizer.pieces.size(); ++id) {
    if (tokenizer.types[id] == PieceType::control && ends_turn(tokenizer.pieces[id])) {
      add(static_cast<std::int32_t>(id));
    }
  }
  return ids;
}

void read_byte_level(const GgufMetadata& metadata, TokenizerData& tokenizer) {
  tokenizer.kind = TokenizerKind::byte_level;
  tokenizer.unk.reset();     // such a vocabulary has no use for one, and llama.cpp never writes it
  tokenizer.scores.clear();  // converters write meaningless ones at times; merges rank the pieces
  const auto pre = metadata.text("tokenizer.ggml.pre");
  if (!pre) {
    throw Error(
        ErrorKind::bad_input,
        "{}: metadata tokenizer.ggml.pre is missing: how text is split before BPE is unknown; convert the "
        "model again with a newer converter",
        metadata.file().string());
  }
  try {
    tokenizer.split_patterns = split_patterns(*pre);
  } catch (const Error& error) {
    throw Error(error.kind(), "{}: {}", metadata.file().string(), error.what());
  }
  tokenizer.ignore_merges = pre_tokenizer_ignores_merges(*pre);
  // A BOS is the habit of SentencePiece models and Llama 3 alone.
  tokenizer.add_bos = metadata.flag("tokenizer.ggml.add_bos_token").value_or(tokenizer.ignore_merges);
  if (tokenizer.merges.empty()) {
    throw Error(ErrorKind::bad_input, "{}: metadata tokenizer.ggml.merges is missing",
                metadata.file().string());
  }
}

/// For a file without types: bytes are known by their spelling, the rest by their ids.
void infer_types(TokenizerData& tokenizer) {
  for (std::size_t id = 0; id < tokenizer.pieces.size(); ++id) {
    if (byte_of_piece(tokenizer.pieces[id])) tokenizer.types[id] = PieceType::byte;
  }
  if (!tokenizer.unk) tokenizer.unk = 0;
  tokenizer.types[*tokenizer.unk] = PieceType::unknown;
  for (const auto& id : {tokenizer.bos, tokenizer.eos}) {
    if (id) tokenizer.types[*id] = PieceType::control;
  }
}

void read_sentencepiece(const GgufMetadata& metadata, TokenizerData& tokenizer) {
  tokenizer.kind = TokenizerKind::sentencepiece;
  const bool prefix = metadata.flag("tokenizer.ggml.add_space_prefix").value_or(true);
  tokenizer.dummy_prefix = prefix ? DummyPrefix::texts : DummyPrefix::none;
  tokenizer.add_bos = metadata.flag("tokenizer.ggml.add_bos_token").value_or(true);
  if (tokenizer.scores.empty()) {
    throw Error(ErrorKind::bad_input, "{}: metadata tokenizer.ggml.scores is missing",
                metadata.file().string());
  }
  // SentencePiece's own ids, which llama.cpp takes where a file does not say.
  const bool has_types = metadata.count("tokenizer.ggml.token_type") != 0;
  const auto may_be_special = [&](std::size_t id) {
    return id < tokenizer.pieces.size() && (!has_types || tokenizer.types[id] == PieceType::control);
  };
  if (!tokenizer.bos && may_be_special(1)) tokenizer.bos = 1;
  if (!tokenizer.eos && may_be_special(2)) tokenizer.eos = 2;
  if (!has_types) infer_types(tokenizer);
}

}  // namespace

bool has_gguf_tokenizer(const GgufMetadata& metadata) {
  if (metadata.has("tokenizer.ggml.tokens")) return true;
  if (!metadata.has("tokenizer.ggml.model")) return false;
  // How converters say that they left the tokenizer out.
  const auto model = metadata.text("tokenizer.ggml.model");
  return model != "no_vocab" && model != "none";
}

TokenizerData read_gguf_tokenizer(const GgufMetadata& metadata, std::int64_t vocab) {
  TokenizerData tokenizer;
  tokenizer.file = metadata.file().string();
  read_pieces(metadata, vocab, tokenizer);
  check_pieces(metadata, tokenizer);
  read_merges(metadata, tokenizer);
  tokenizer.add_eos = metadata.flag("tokenizer.ggml.add_eos_token").value_or(false);
  tokenizer.bos = read_id(metadata, "tokenizer.ggml.bos_token_id", tokenizer.pieces.size());
  tokenizer.eos = read_id(metadata, "tokenizer.ggml.eos_token_id", tokenizer.pieces.size());
  tokenizer.unk = read_id(metadata, "tokenizer.ggml.unknown_token_id", tokenizer.pieces.size());
  const auto model = metadata.text("tokenizer.ggml.model").value_or("");
  if (model == "gpt2") {
    read_byte_level(metadata, tokenizer);
  } else if (model == "llama") {
    read_sentencepiece(metadata, tokenizer);
  } else {
    throw Error(
        ErrorKind::bad_input,
        "{}: metadata tokenizer.ggml.model: expected gpt2 (byte-level BPE) or llama (SentencePiece BPE), "
        "found \"{}\"",
        metadata.file().string(), printable(model));
  }
  protect_turn_markers(tokenizer);
  if (tokenizer.add_bos && !tokenizer.bos) {
    throw Error(ErrorKind::bad_input,
                "{}: metadata tokenizer.ggml.bos_token_id is missing, but a BOS is to be added",
                metadata.file().string());
  }
  if (tokenizer.add_eos && !tokenizer.eos) {
    throw Error(ErrorKind::bad_input,
                "{}: metadata tokenizer.ggml.eos_token_id is missing, but an EOS is to be added",
                metadata.file().string());
  }
  tokenizer.end_of_turn = find_end_of_turn(metadata, tokenizer);
  tokenizer.chat_template = std::string(metadata.text("tokenizer.chat_template").value_or(""));
  return tokenizer;
}

}  // namespace rung
