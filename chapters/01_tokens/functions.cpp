#include "chapters/01_tokens/functions.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chapters/01_tokens/bpe.h"
#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8_stream.h"
#include "core/check/functions/tokens.h"

namespace rung {
namespace {

using Ids = std::vector<std::int32_t>;

std::optional<std::string> run_byte_alphabet(const check::ByteAlphabetInput& input) {
  const ByteAlphabet alphabet;
  if (input.way == check::ByteAlphabetInput::Way::bytes) {
    const std::string memory = input.text + std::string(check::behind_the_piece);
    return alphabet.bytes(std::string_view(memory).substr(0, input.text.size()));
  }
  std::string spelled;
  for (const char c : input.text) spelled += alphabet.spell(static_cast<std::uint8_t>(c));
  return spelled;
}

std::vector<std::string> run_utf8_stream(const check::Utf8StreamInput& input) {
  Utf8Stream stream;
  std::vector<std::string> results;
  results.reserve(input.calls.size());
  for (const auto& call : input.calls) results.push_back(call ? stream.push(*call) : stream.finish());
  return results;
}

Ids run_bpe(const check::BpeInput& input) {
  MergeTable table;
  for (const auto& [left, right, rank, merged] : input.merges) table.add(left, right, rank, merged);
  return table.merge(input.word);
}

// Ids 0 to 255 are the bytes, 256 and 257 the markers.
TokenizerData bytes_and_markers() {
  TokenizerData data;
  const ByteAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte)
    data.pieces.push_back(alphabet.spell(static_cast<std::uint8_t>(byte)));
  data.types.assign(data.pieces.size(), PieceType::normal);
  for (const char* marker : {"<|im_start|>", "<|im_end|>"}) {
    data.pieces.emplace_back(marker);
    data.types.push_back(PieceType::control);
  }
  return data;
}

Ids run_chatml(const check::ChatmlInput& input) {
  const Tokenizer tokenizer(bytes_and_markers());
  Conversation conversation(tokenizer, {.style = ChatStyle::chatml}, input.system);
  Ids ids;
  for (const std::string& text : input.user_turns) {
    const Ids turn = conversation.user_turn(text);
    ids.insert(ids.end(), turn.begin(), turn.end());
  }
  return ids;
}

}  // namespace

std::vector<check::JudgedFunction> tokens_functions() {
  return {
      check::judged<check::ByteAlphabetInput, std::optional<std::string>>(
          check::byte_alphabet_check(), "chapters/01_tokens/byte_alphabet", run_byte_alphabet),
      check::judged<check::Utf8StreamInput, std::vector<std::string>>(
          check::utf8_stream_check(), "chapters/01_tokens/utf8_stream", run_utf8_stream),
      check::judged<check::BpeInput, Ids>(check::bpe_check(), "chapters/01_tokens/bpe", run_bpe),
      check::judged<check::ChatmlInput, Ids>(check::chatml_check(), "chapters/01_tokens/chatml", run_chatml),
  };
}

}  // namespace rung
