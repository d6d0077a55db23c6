#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chapters/01_tokens/tokenizer.h"

namespace rung {

/// The ways in which models were taught to tell who speaks.
enum class ChatStyle {
  chatml,   ///< `<|im_start|>user\n…<|im_end|>\n`: SmolLM2, Qwen and many others
  llama2,   ///< `[INST] <<SYS>>\n…\n<</SYS>>\n\n… [/INST] … </s>`
  llama3,   ///< `<|start_header_id|>user<|end_header_id|>\n\n…<|eot_id|>`
  mistral,  ///< `[INST] … [/INST] … </s>`
};

/// What a model's Jinja template says, read off its text. Templates are programs; instead of running them
/// this recognises the four styles by their markers.
struct ChatTemplate {
  ChatStyle style = ChatStyle::chatml;
  std::string default_system = {};    ///< the system message when none is given; often empty
  std::string preface = {};           ///< llama3: before the system message: the dates of Llama 3.1 and later
  bool begins_with_bos = false;       ///< the conversation starts with the begin-of-text token
  bool bos_every_turn = true;         ///< llama2: and so does every later turn
  bool space_after_inst = true;       ///< mistral: "[INST] …", not "[INST]…"
  bool space_before_inst_end = true;  ///< mistral: "… [/INST]", not "…[/INST]"
};

/// @return nothing for a template in none of these styles, or an empty one
std::optional<ChatTemplate> recognise_chat_template(std::string_view jinja);

/// Writes a conversation as the tokens a model was trained on. The markers are control tokens; what people
/// write is never parsed for them, so nobody can speak in another's name. (Llama 2's and the first Mistral's
/// `[INST]` are plain text, which cannot be told apart from a user's.)
class Conversation {
 public:
  /// @param tokenizer  must outlive the conversation
  /// @param system     instead of the template's default; an empty one: none
  Conversation(const Tokenizer& tokenizer, ChatTemplate chat_template,
               std::optional<std::string> system = std::nullopt);

  /// The next tokens for the model to read: in later turns the end of its last answer, then what the user
  /// says, then the beginning of the answer.
  /// @throws Error (bad_input) when the vocabulary lacks a marker
  std::vector<std::int32_t> user_turn(std::string_view text);

 private:
  const Tokenizer* tokenizer_;
  ChatTemplate template_;
  std::string system_;
  bool first_ = true;
};

}  // namespace rung
