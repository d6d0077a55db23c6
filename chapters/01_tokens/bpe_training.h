#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// A word cut into pieces.
using Pieces = std::vector<std::string>;
/// How often each word of a text occurs.
using WordCounts = std::map<Pieces, std::int64_t>;

/// A pair that training has made one piece of.
struct LearntMerge {
  std::string left, right;
  std::int64_t count = 0;  ///< how often the two stood side by side at that moment
};

/// Counts the words of a text for byte-level BPE: cut by GPT-2's pattern, each byte a piece in the spelling of
/// ByteAlphabet.
/// @param text valid UTF-8
WordCounts byte_words(std::string_view text);

/// Counts the words of a text for BPE in SentencePiece's way: spaces are U+2581 and begin words, each
/// character is a piece.
/// @param text valid UTF-8
WordCounts character_words(std::string_view text);

/// Trains BPE (Sennrich et al. 2016, arXiv:1508.07909, section 3.2, algorithm 1): the pair that occurs most
/// often becomes one piece, `merges` times. Of pairs that occur equally often, the first in the order of their
/// bytes. It stops where no pair occurs twice. O(merges · text): for paragraphs, not for libraries.
std::vector<LearntMerge> learn_merges(WordCounts words, std::size_t merges);

/// A byte-level tokenizer: ids 0 to 255 are the bytes, id 256 + i is what merge i makes.
TokenizerData byte_level_tokenizer(const std::vector<LearntMerge>& merges);

/// A tokenizer in SentencePiece's form: `<unk>`, `<s>`, `</s>`, 256 byte pieces, the characters of `words`, and what
/// the merges make, with the scores 0, -1, -2, … in their order. A space stands before every text.
TokenizerData sentencepiece_tokenizer(const WordCounts& words, const std::vector<LearntMerge>& merges);

}  // namespace rung
