#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What tokenizers do, as the plainest loops.

namespace rung::oracle {

/// `left right` may become `merged`; a lower rank goes first.
struct BpeMerge {
  std::int32_t left, right, rank, merged;
};

/// Byte-pair encoding by its definition: look at all pairs, merge the one of the lowest rank, the leftmost of
/// equals, and begin again. Of two merges of a pair the first counts. Source: Sennrich et al. 2016,
/// arXiv:1508.07909, section 3.2.
std::vector<std::int32_t> bpe(std::vector<std::int32_t> word, const std::vector<BpeMerge>& merges);

/// GPT-2's spelling of bytes (Radford et al. 2019, encoder.py, bytes_to_unicode).
/// @return a character for each byte
std::string spelled_bytes(std::string_view bytes);
/// The other way; nothing when a character is not in the alphabet.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

/// What a stream of bytes lets through, call by call. An empty optional is the end of a text: bytes that still
/// wait become one U+FFFD each. Well-formed characters by the Unicode Standard, chapter 3, table 3-7.
std::vector<std::string> utf8_stream(const std::vector<std::optional<std::string>>& calls);

/// The markers of ChatML over a vocabulary of 256 bytes and these two: what begins a message.
inline constexpr std::int32_t im_start = 256;
/// What ends a message.
inline constexpr std::int32_t im_end = 257;
/// What the model reads before each of its answers, one after the other.
/// @param system empty: no system message
std::vector<std::int32_t> chatml(std::string_view system, const std::vector<std::string>& user_turns);

}  // namespace rung::oracle
