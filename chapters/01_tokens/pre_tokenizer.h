#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rung {

/// Cuts text into words before BPE, which then never merges across a cut: "dog", "dog." and "dog!" share a
/// word (Radford et al. 2019, section 2.2). Each pattern cuts what the one before has left.
class PreTokenizer {
 public:
  /// @param patterns PCRE2, matched with Unicode's properties
  /// @throws Error (bad_input) for one that PCRE2 does not understand, or reads otherwise than Oniguruma does
  explicit PreTokenizer(const std::vector<std::string>& patterns);
  /// Takes the patterns over; what was moved from cuts nothing.
  PreTokenizer(PreTokenizer&&) noexcept;
  /// The same.
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  /// Calls `word` with each word in order; together they are the text.
  /// @param text valid UTF-8
  /// @throws Error (bad_input) when a pattern takes too many steps on this text
  void split(std::string_view text, const std::function<void(std::string_view)>& word) const;

 private:
  class Pattern;
  void split_from(std::size_t pattern, std::string_view text,
                  const std::function<void(std::string_view)>& word) const;

  std::vector<std::unique_ptr<Pattern>> patterns_;
};

}  // namespace rung
