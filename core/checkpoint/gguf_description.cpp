#include "core/checkpoint/gguf_description.h"

#include <algorithm>
#include <unordered_map>
#include <variant>

#include "core/checkpoint/split_patterns.h"
#include "core/error.h"

namespace rung {

namespace {

std::uint32_t number(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

std::int32_t type_number(PieceType type) {
  switch (type) {
    case PieceType::normal:
      return 1;
    case PieceType::unknown:
      return 2;
    case PieceType::control:
      return 3;
    case PieceType::user_defined:
      return 4;
    case PieceType::unused:
      return 5;
    case PieceType::byte:
      return 6;
  }
  throw Error(ErrorKind::bad_input, "GGUF has no number for piece type {}", static_cast<int>(type));
}

std::vector<std::string> merges_as_text(const TokenizerData& tokenizer) {
  std::vector<std::string> texts;
  texts.reserve(tokenizer.merges.size());
  for (const auto& [left, right] : tokenizer.merges) texts.push_back(left + " " + right);
  return texts;
}

/// The earlier a piece is merged, the higher its score: minus the rank of the first merge that makes it. What no merge
/// makes is never asked for its score.
std::vector<float> scores_of_merges(const TokenizerData& tokenizer) {
  std::unordered_map<std::string, float> by_piece;
  by_piece.reserve(tokenizer.merges.size());
  for (std::size_t rank = 0; rank < tokenizer.merges.size(); ++rank) {
    const auto& [left, right] = tokenizer.merges[rank];
    by_piece.emplace(left + right, -static_cast<float>(rank));
  }
  std::vector<float> scores;
  scores.reserve(tokenizer.pieces.size());
  for (const std::string& piece : tokenizer.pieces) {
    const auto found = by_piece.find(piece);
    scores.push_back(found == by_piece.end() ? 0 : found->second);
  }
  return scores;
}

void describe_special_tokens(GgufEntries& entries, const TokenizerData& tokenizer) {
  const auto set = [&entries](std::string_view key, const std::optional<std::int32_t>& id) {
    if (id) entries.set(key, number(*id));
  };
  set("tokenizer.ggml.bos_token_id", tokenizer.bos);
  set("tokenizer.ggml.eos_token_id", tokenizer.eos);
  set("tokenizer.ggml.unknown_token_id", tokenizer.unk);
  // The end of a turn, where that is another token than the end of the text.
  for (const std::int32_t id : tokenizer.end_of_turn) {
    if (id == tokenizer.eos) continue;
    set("tokenizer.ggml.eot_token_id", id);
    break;
  }
  entries.set("tokenizer.ggml.add_bos_token", tokenizer.add_bos);
  entries.set("tokenizer.ggml.add_eos_token", tokenizer.add_eos);
}

}  // namespace

void describe_model(GgufEntries& entries, const ModelConfig& config) {
  entries.set("general.architecture", "llama");
  entries.set("llama.vocab_size", number(config.vocab));
  entries.set("llama.context_length", number(config.context));
  entries.set("llama.embedding_length", number(config.hidden));
  entries.set("llama.block_count", number(config.layers));
  entries.set("llama.feed_forward_length", number(config.feed_forward));
  entries.set("llama.attention.head_count", number(config.heads));
  entries.set("llama.attention.head_count_kv", number(config.kv_heads));
  entries.set("llama.attention.key_length", number(config.head_dim));
  entries.set("llama.attention.value_length", number(config.head_dim));
  entries.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.norm_eps));
  entries.set("llama.rope.dimension_count", number(config.head_dim));
  entries.set("llama.rope.freq_base", static_cast<float>(config.rope.theta));
  if (const auto* linear = std::get_if<LinearRopeScaling>(&config.rope.scaling)) {
    entries.set("llama.rope.scaling.type", "linear");
    entries.set("llama.rope.scaling.factor", static_cast<float>(linear->factor));
  }
  if (config.sliding_window) entries.set("llama.attention.sliding_window", number(*config.sliding_window));
  if (config.mixture) {
    entries.set("llama.expert_count", number(config.mixture->experts));
    entries.set("llama.expert_used_count", number(config.mixture->experts_used));
  }
}

void describe_tokenizer(GgufEntries& entries, const TokenizerData& tokenizer) {
  std::vector<std::int32_t> types;
  types.reserve(tokenizer.types.size());
  std::ranges::transform(tokenizer.types, std::back_inserter(types), type_number);
  entries.set("tokenizer.ggml.tokens", tokenizer.pieces);
  entries.set("tokenizer.ggml.token_type", types);
  if (tokenizer.kind == TokenizerKind::byte_level) {
    entries.set("tokenizer.ggml.model", "gpt2");
    entries.set("tokenizer.ggml.pre", pre_tokenizer_name(tokenizer.split_patterns, tokenizer.ignore_merges));
    entries.set("tokenizer.ggml.merges", merges_as_text(tokenizer));
  } else {
    entries.set("tokenizer.ggml.model", "llama");
    entries.set("tokenizer.ggml.pre", "default");
    entries.set("tokenizer.ggml.scores",
                tokenizer.scores.empty() ? scores_of_merges(tokenizer) : tokenizer.scores);
    entries.set("tokenizer.ggml.add_space_prefix", tokenizer.dummy_prefix != DummyPrefix::none);
  }
  describe_special_tokens(entries, tokenizer);
  if (!tokenizer.chat_template.empty()) entries.set("tokenizer.chat_template", tokenizer.chat_template);
}

void describe_file_type(GgufEntries& entries, DType dtype) {
  // llama.h, enum llama_ftype; what has no number of its own there is left unsaid.
  const auto set = [&entries](std::uint32_t file_type) { entries.set("general.file_type", file_type); };
  entries.remove("general.file_type");
  entries.set("general.quantization_version", std::uint32_t{2});
  switch (dtype) {
    case DType::F32:
      return set(0);
    case DType::F16:
      return set(1);
    case DType::Q4_0:
      return set(2);
    case DType::Q4_1:
      return set(3);
    case DType::Q8_0:
      return set(7);
    case DType::Q5_0:
      return set(8);
    case DType::Q5_1:
      return set(9);
    case DType::Q4_K:
      return set(14);
    case DType::Q5_K:
      return set(16);
    case DType::Q6_K:
      return set(18);
    case DType::BF16:
      return set(32);
  }
}

}  // namespace rung
