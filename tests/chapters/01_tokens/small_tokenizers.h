#pragma once

#include <string>
#include <vector>

#include "core/checkpoint/tokenizer_data.h"

namespace rung::testing {

/// A byte-level tokenizer with all 256 bytes (ids 0 to 255), the merges given as "left right" (ids from 256
/// on), and the control tokens given (ids after those); split as GPT-2 does.
TokenizerData byte_level_data(const std::vector<std::string>& merges,
                              const std::vector<std::string>& control_tokens = {});

/// A SentencePiece tokenizer with <unk> (0), <s> (1), </s> (2), all 256 bytes (3 to 258), and the pieces
/// given with their scores (ids from 259 on); with dummy prefix.
TokenizerData sentencepiece_data(const std::vector<std::pair<std::string, float>>& pieces);

/// The message of the Error that making a Tokenizer from `data` throws; empty when it throws none.
std::string refusal(const TokenizerData& data);

}  // namespace rung::testing
