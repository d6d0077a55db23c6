#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// The ordinary pieces of a tokenizer by their text: those that merging can lead to. Control tokens, bytes
/// and unused pieces are not among them, so no text can be merged into one.
class Vocabulary {
 public:
  /// @param data must outlive the vocabulary
  /// @throws Error (bad_input) when two pieces are spelled alike, or one is empty
  explicit Vocabulary(const TokenizerData& data);

  /// The id of the piece that is spelled so, or nothing.
  std::optional<std::int32_t> find(std::string_view piece) const;
  /// @throws Error (bad_input) naming the merge, when there is no such piece
  std::int32_t need(std::string_view piece, std::size_t merge) const;

  /// All ordinary pieces and their ids.
  const std::unordered_map<std::string_view, std::int32_t>& ids() const { return ids_; }

 private:
  std::unordered_map<std::string_view, std::int32_t> ids_;
};

}  // namespace rung
