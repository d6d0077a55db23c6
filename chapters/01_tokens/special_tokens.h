#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rung {

/// Pieces that are looked for in the text itself, before it is cut into words: control tokens such as
/// `<|im_start|>`, which only the program may write, and pieces that the tokenizer's maker has put in by
/// hand.
class SpecialTokens {
 public:
  struct Match {
    std::size_t begin = 0, end = 0;
    std::int32_t id = 0;
    bool control = false;
  };

  void add(const std::string& text, std::int32_t id, bool control);

  /// The leftmost match at or after `from`, the longest of those that begin there.
  /// @param control whether control tokens count
  std::optional<Match> find(std::string_view text, std::size_t from, bool control) const;

 private:
  struct Entry {
    std::string text;
    std::int32_t id;
    bool control;
  };
  std::array<std::vector<Entry>, 256> by_first_byte_;  // longest first
  std::string first_bytes_;
};

}  // namespace rung
