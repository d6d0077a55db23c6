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
  const auto message = [&](std::string_view role, std::string_view text) {
    head(role);
    out.text(trimmed(text));
    out.marker("<|eot_id|>");
  };
  if (turn.first && !turn.system.empty()) message("system", turn.system);
  if (!turn.first) out.marker("<|eot_id|>");
  message("user", turn.user);
  head("assistant");
}
// [llama3]

}  // namespace rung
