#include "chapters/01_tokens/chat_styles.h"

namespace rung {

void write_chatml(ChatWriter& out, const ChatTurn& turn) {
  const auto message = [&](std::string_view role, std::string_view text) {
    out.marker("<|im_start|>");
    out.text(role);
    out.text("\n");
    out.text(text);
    out.marker("<|im_end|>");
    out.text("\n");
  };
  if (turn.first && !turn.system.empty()) message("system", turn.system);
  if (!turn.first) {
    out.marker("<|im_end|>");
    out.text("\n");
  }
  message("user", turn.user);
  out.marker("<|im_start|>");
  out.text("assistant\n");
}

}  // namespace rung
