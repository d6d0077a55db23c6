#include "chapters/01_tokens/bpe_training.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/pre_tokenizer.h"
#include "chapters/01_tokens/sentencepiece.h"
#include "chapters/01_tokens/utf8.h"
#include "core/checkpoint/split_patterns.h"

namespace rung {
namespace {

using Pair = std::pair<std::string, std::string>;

// [count]
// How often each pair of neighbours occurs, in all words.
std::map<Pair, std::int64_t> count_pairs(const WordCounts& words) {
  std::map<Pair, std::int64_t> counts;
  for (const auto& [pieces, count] : words)
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) counts[{pieces[i], pieces[i + 1]}] += count;
  return counts;
}
// [count]

// The pieces of a word with every `left right` made one, from the left.
Pieces merged(const Pieces& pieces, const Pair& pair) {
  Pieces result;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool found = i + 1 < pieces.size() && pieces[i] == pair.first && pieces[i + 1] == pair.second;
    result.push_back(found ? pair.first + pair.second : pieces[i]);
    if (found) ++i;
  }
  return result;
}

}  // namespace

// [learn]
std::vector<LearntMerge> learn_merges(WordCounts words, std::size_t merges) {
  std::vector<LearntMerge> learnt;
  while (learnt.size() < merges) {
    const std::map<Pair, std::int64_t> counts = count_pairs(words);
    const auto best = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;  // of equals the first in the map
    });
    if (best == counts.end() || best->second < 2) break;
    const auto& [pair, count] = *best;
    learnt.push_back({pair.first, pair.second, count});

    WordCounts next;
    for (const auto& [pieces, times] : words) next[merged(pieces, pair)] += times;
    words = std::move(next);
  }
  return learnt;
}
// [learn]

WordCounts byte_words(std::string_view text) {
  const ByteAlphabet alphabet;
  WordCounts words;
  PreTokenizer(split_patterns("gpt-2")).split(text, [&](std::string_view word) {
    Pieces pieces;
    for (const char c : word) pieces.push_back(alphabet.spell(static_cast<std::uint8_t>(c)));
    ++words[pieces];
  });
  return words;
}

WordCounts character_words(std::string_view text) {
  WordCounts words;
  Pieces pieces;
  const std::string marked = std::string(space_mark) + mark_spaces(text);
  for (std::string_view rest = marked; !rest.empty();) {
    const std::string_view character = rest.substr(0, first_utf8(rest).bytes);
    rest.remove_prefix(character.size());
    if (character == space_mark && !pieces.empty()) ++words[std::exchange(pieces, {})];
    pieces.emplace_back(character);
  }
  if (!pieces.empty()) ++words[pieces];
  return words;
}

TokenizerData byte_level_tokenizer(const std::vector<LearntMerge>& merges) {
  TokenizerData data;
  const ByteAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte)
    data.pieces.push_back(alphabet.spell(static_cast<std::uint8_t>(byte)));
  for (const LearntMerge& merge : merges) {
    data.merges.emplace_back(merge.left, merge.right);
    data.pieces.push_back(merge.left + merge.right);
  }
  data.types.assign(data.pieces.size(), PieceType::normal);
  data.split_patterns = split_patterns("gpt-2");
  return data;
}

TokenizerData sentencepiece_tokenizer(const WordCounts& words, const std::vector<LearntMerge>& merges) {
  TokenizerData data;
  data.kind = TokenizerKind::sentencepiece;
  data.dummy_prefix = DummyPrefix::texts;
  const auto add = [&](std::string piece, PieceType type, float score) {
    data.pieces.push_back(std::move(piece));
    data.types.push_back(type);
    data.scores.push_back(score);
    return static_cast<std::int32_t>(data.pieces.size() - 1);
  };
  data.unk = add("<unk>", PieceType::unknown, 0);
  data.bos = add("<s>", PieceType::control, 0);
  data.eos = add("</s>", PieceType::control, 0);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), PieceType::byte, 0);

  float score = 0;
  std::set<std::string> there;
  for (const LearntMerge& merge : merges)
    if (there.insert(merge.left + merge.right).second)
      add(merge.left + merge.right, PieceType::normal, score--);
  std::set<std::string> characters = {std::string(space_mark)};
  for (const auto& [pieces, count] : words) characters.insert(pieces.begin(), pieces.end());
  for (const std::string& character : characters)
    if (there.insert(character).second) add(character, PieceType::normal, score--);
  return data;
}

}  // namespace rung
