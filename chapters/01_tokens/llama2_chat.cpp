#include "chapters/01_tokens/chat_styles.h"

namespace rung {

void write_llama2(ChatWriter& out, const ChatTurn& turn) {
  std::string content;
  if (turn.first && !turn.system.empty())
    content.append("<<SYS>>\n").append(turn.system).append("\n<</SYS>>\n\n");
  content += turn.user;
  out.text("[INST] ");
  out.text(trimmed(content));  // with a system message, the spaces before the user's text are inside
  out.text(" [/INST]");
}

}  // namespace rung
