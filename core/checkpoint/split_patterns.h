#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rung {

/// The splits that come before byte-level BPE, for the name a GGUF file gives them in `tokenizer.ggml.pre`:
/// PCRE2 patterns, to be applied in order, as in TokenizerData::split_patterns.
///
/// Known: "gpt-2"; "smollm" (every digit alone, then GPT-2's); "llama-bpe", "llama-v3" and "llama3" (Llama
/// 3's).
/// @throws Error (bad_input) naming a name that is not known: a wrong split gives other ids and no error
std::vector<std::string> split_patterns(std::string_view pre);

/// The other way: a name that means these splits, and that much about words that are pieces.
/// @throws Error (bad_input) when there is none
std::string_view pre_tokenizer_name(const std::vector<std::string>& patterns, bool ignores_merges);

/// Whether a word that is a piece is taken whole, without asking the merges, under that name
/// (TokenizerData::ignore_merges): Llama 3's tokenizer does.
bool pre_tokenizer_ignores_merges(std::string_view pre);

/// GPT-2's own pattern, which tokenizer.json means by `"use_regex": true` (Radford et al. 2019, encoder.py).
std::string_view gpt2_split_pattern();

}  // namespace rung
