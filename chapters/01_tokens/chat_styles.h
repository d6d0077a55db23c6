#pragma once

#include <string_view>

#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/chat_writer.h"

// One function per ChatStyle, each in a file of its own. Every one writes what stands between the model's last
// answer and its next one. The begin-of-text token, and the end-of-text token behind an answer in the two
// [INST] styles, have been written before by Conversation.

namespace rung {

/// What a person says, and what the model is told before it.
struct ChatTurn {
  bool first = true;         ///< nothing has been said yet
  std::string_view system;   ///< the system message; empty: none. It stands in the first turn only
  std::string_view preface;  ///< llama3: what the template itself writes before the system message
  std::string_view user;     ///< what the person says
};

/// `<|im_start|>ROLE\nTEXT<|im_end|>\n` for every message; an answer is closed by `<|im_end|>\n` in the next turn.
void write_chatml(ChatWriter& out, const ChatTurn& turn);

/// `<|start_header_id|>ROLE<|end_header_id|>\n\nTEXT<|eot_id|>` for every message, texts trimmed. Llama 3.1 and later
/// begin with a system message even where none is given: the template's preface.
void write_llama3(ChatWriter& out, const ChatTurn& turn);

/// [INST] TEXT [/INST], with the system message inside the first one, between `<<SYS>>` and `<</SYS>>`.
void write_llama2(ChatWriter& out, const ChatTurn& turn);

/// How a Mistral spells its [INST].
struct MistralStyle {
  bool inst_is_token = false;  ///< the first Mistrals spell [INST] as text; later ones have a token for it
  bool space_after_inst = true, space_before_end = true;
};
/// As the tokenizer and the template say: whether [INST] is a control token, and where the template's spaces stand.
MistralStyle mistral_style(const Tokenizer& tokenizer, const ChatTemplate& chat_template);

/// [INST] TEXT [/INST], with the system message and two line ends before the first text.
void write_mistral(ChatWriter& out, const ChatTurn& turn, const MistralStyle& style);

}  // namespace rung
