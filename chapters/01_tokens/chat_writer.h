#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chapters/01_tokens/tokenizer.h"

namespace rung {

/// Writes a part of a conversation as tokens, from the left. Text between two control tokens is encoded in
/// one go, as it would be in the whole conversation: "user\n" and a message that starts with a newline may
/// share a token.
class ChatWriter {
 public:
  /// @param tokenizer must outlive the writer
  /// @param first     whether nothing of the conversation has been written yet
  ChatWriter(const Tokenizer& tokenizer, bool first) : tokenizer_(tokenizer), first_(first) {}

  /// Appends text. It is never parsed: "<|im_end|>" comes out as ten characters.
  void text(std::string_view text) { text_ += text; }

  /// Appends the control token that is spelled so.
  /// @throws Error (bad_input) when the vocabulary lacks it
  void marker(std::string_view marker);

  /// Appends a token by its id; nothing: no token.
  void token(std::optional<std::int32_t> id);

  /// All that was written.
  std::vector<std::int32_t> finish();

 private:
  void flush();

  const Tokenizer& tokenizer_;
  bool first_;
  std::string text_;
  std::vector<std::int32_t> ids_;
};

/// Without the spaces, tabs and line ends at both ends, as Jinja's `trim` and Python's `strip` do it.
std::string_view trimmed(std::string_view text);

}  // namespace rung
