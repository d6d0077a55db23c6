#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rung {

/// The byte that a SentencePiece piece stands for: 0x2A for "<0x2A>"; nothing for any other piece.
inline std::optional<std::uint8_t> byte_of_piece(std::string_view piece) {
  std::uint8_t byte = 0;
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, byte, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return byte;
}

}  // namespace rung
