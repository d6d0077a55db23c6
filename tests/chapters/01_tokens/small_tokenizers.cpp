#include "tests/chapters/01_tokens/small_tokenizers.h"

#include <fmt/format.h>

#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/tokenizer.h"
#include "core/checkpoint/split_patterns.h"
#include "core/error.h"

namespace rung::testing {

TokenizerData byte_level_data(const std::vector<std::string>& merges,
                              const std::vector<std::string>& control_tokens) {
  TokenizerData data;
  const ByteAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte)
    data.pieces.push_back(alphabet.spell(static_cast<std::uint8_t>(byte)));
  for (const std::string& merge : merges) {
    const std::size_t space = merge.find(' ');
    data.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    data.pieces.push_back(data.merges.back().first + data.merges.back().second);
  }
  data.types.assign(data.pieces.size(), PieceType::normal);
  for (const std::string& token : control_tokens) {
    data.pieces.push_back(token);
    data.types.push_back(PieceType::control);
  }
  data.split_patterns = split_patterns("gpt-2");
  return data;
}

TokenizerData sentencepiece_data(const std::vector<std::pair<std::string, float>>& pieces) {
  TokenizerData data;
  data.kind = TokenizerKind::sentencepiece;
  data.pieces = {"<unk>", "<s>", "</s>"};
  data.types = {PieceType::unknown, PieceType::control, PieceType::control};
  for (int byte = 0; byte < 256; ++byte) {
    data.pieces.push_back(fmt::format("<0x{:02X}>", byte));
    data.types.push_back(PieceType::byte);
  }
  data.scores.assign(data.pieces.size(), 0.0F);
  for (const auto& [piece, score] : pieces) {
    data.pieces.push_back(piece);
    data.types.push_back(PieceType::normal);
    data.scores.push_back(score);
  }
  data.unk = 0;
  data.bos = 1;
  data.eos = 2;
  data.dummy_prefix = DummyPrefix::texts;
  data.add_bos = true;
  return data;
}

std::string refusal(const TokenizerData& data) {
  try {
    const Tokenizer tokenizer(data);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace rung::testing
