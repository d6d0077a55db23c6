// Exercise 1.4: ChatML. What write_chatml must do stands in chapters/01_tokens/chat_styles.h.
//
// This file takes the place of chapters/01_tokens/chatml.cpp, so it must define what that one does: write_chatml.
// ChatWriter (chat_writer.h) is the chapter's own.

#include "chapters/01_tokens/chat_styles.h"
#include "core/error.h"

namespace rung {

void write_chatml(ChatWriter& out,         // out.text("…") for text, out.marker("…") for a control token
                  const ChatTurn& turn) {  // turn.first, turn.system, turn.user
  throw Error(ErrorKind::bad_input,
              "write_chatml is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.4");
}

}  // namespace rung
