#include "chapters/01_tokens/chat_styles.h"

namespace rung {

// [llama3]
void write_llama3(ChatWriter& out, const ChatTurn& turn) {
  const auto head = [&](std::string_view role) {
    out.marker("<|start_header_id|>");
    out.text(role);
    out.marker("<|end_header_id|>");
    out.text("\n\n");
  };
  if (turn.first && !(turn.preface.empty() && turn.system.empty())) {
    head("system");
    out.text(turn.preface);
    out.text(trimmed(turn.system));
    out.marker("<|eot_id|>");
  }
  if (!turn.first) out.marker("<|eot_id|>");
  head("user");
  out.text(trimmed(turn.user));
  out.marker("<|eot_id|>");
  head("assistant");
}
// [llama3]

}  // namespace rung
