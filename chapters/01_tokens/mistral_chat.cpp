#include "chapters/01_tokens/chat_styles.h"

namespace rung {

MistralStyle mistral_style(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  const bool is_token = tokenizer.control_token("[INST]").has_value();
  // SentencePiece puts a dummy prefix after the token, which is the template's space.
  const bool has_space = is_token && tokenizer.prefixes_after_control_tokens();
  return {is_token, chat_template.space_after_inst && !has_space, chat_template.space_before_inst_end};
}

void write_mistral(ChatWriter& out, const ChatTurn& turn, const MistralStyle& style) {
  if (style.inst_is_token)
    out.marker("[INST]");
  else
    out.text("[INST]");
  if (style.space_after_inst) out.text(" ");
  if (turn.first && !turn.system.empty()) {
    out.text(turn.system);
    out.text("\n\n");
  }
  out.text(turn.user);
  if (style.space_before_end) out.text(" ");
  if (style.inst_is_token)
    out.marker("[/INST]");
  else
    out.text("[/INST]");
}

}  // namespace rung
