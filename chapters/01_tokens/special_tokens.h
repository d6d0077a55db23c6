#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rung {

/// Pieces that are looked for in the text itself, before it is cut into words: control tokens such as
/// `<|im_start|>`, which only the program may write, and pieces that the tokenizer's maker has put in by
/// hand.
class SpecialTokens {
 public:
  /// Where a token stands in a text, [begin, end), and which one it is.
  struct Match {
    std::size_t begin = 0, end = 0;
    std::int32_t id = 0;
    bool control = false;
  };

  /// Of two tokens that are spelled alike the first one counts.
  void add(const std::string& text, std::int32_t id, bool control);

  /// The leftmost match at or after `from`, the longest of those that begin there.
  /// @param control whether control tokens count
  std::optional<Match> find(std::string_view text, std::size_t from, bool control) const;

 private:
  struct Token {
    std::int32_t id;
    bool control;
  };
  struct Hash {
    using is_transparent = void;  // a view is looked up without making a string of it
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // Some models have tens of thousands, "<|s_0|>" and so on, of few lengths: each length is looked up once.
  std::unordered_map<std::string, Token, Hash, std::equal_to<>> tokens_;
  std::array<std::vector<std::size_t>, 256> lengths_;  // by first byte, longest first
  std::string first_bytes_;
};

}  // namespace rung
