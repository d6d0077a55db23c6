#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/function_check.h"
#include "core/oracle/tokens.h"

// Chapter 01's functions: what they take, and their checks.

namespace rung::check {

/// A text to be spelled, or a spelling to be read; nothing comes back for one that is outside the alphabet.
struct ByteAlphabetInput {
  /// Which way; `spell` is called for each byte of the text.
  enum class Way { spell, bytes };
  Way way = Way::spell;
  std::string text;
};
/// What stands in memory behind a text whose spelling is read, so that reading on behind its end is seen: with it a
/// character that was cut off would be whole.
inline constexpr std::string_view behind_the_piece = "\xA0";
/// Both ways of chapter 01's byte alphabet.
FunctionCheck<ByteAlphabetInput, std::optional<std::string>> byte_alphabet_check();

/// Calls of a Utf8Stream; what each of them returns comes back.
struct Utf8StreamInput {
  std::vector<std::optional<std::string>> calls;  ///< push(…), or nothing: finish()
};
/// Chapter 01's stream of whole characters.
FunctionCheck<Utf8StreamInput, std::vector<std::string>> utf8_stream_check();

/// Merges and a word; the ids that it becomes come back.
struct BpeInput {
  std::vector<oracle::BpeMerge> merges;  ///< in the order of add()
  std::vector<std::int32_t> word;
};
/// Chapter 01's merging.
FunctionCheck<BpeInput, std::vector<std::int32_t>> bpe_check();

/// A system message and what the user says, turn by turn. What the model reads before its answers comes back, one
/// turn behind the other, in ids of 256 bytes, oracle::im_start and oracle::im_end.
struct ChatmlInput {
  std::string system;
  std::vector<std::string> user_turns;
};
/// Chapter 01's ChatML.
FunctionCheck<ChatmlInput, std::vector<std::int32_t>> chatml_check();

}  // namespace rung::check
