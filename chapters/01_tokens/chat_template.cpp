#include "chapters/01_tokens/chat_template.h"

#include <utility>

#include "core/error.h"

namespace rung {
namespace {

// Collects tokens. Text between two control tokens is encoded in one go, as it would be in the whole
// conversation: "user\n" and a message that starts with a newline may share a token.
class Writer {
 public:
  /// @param first whether nothing of the conversation has been written yet
  Writer(const Tokenizer& tokenizer, bool first) : tokenizer_(tokenizer), first_(first) {}

  void text(std::string_view text) { text_ += text; }

  void marker(std::string_view marker) {
    const auto id = tokenizer_.control_token(marker);
    if (!id)
      throw Error(ErrorKind::bad_input,
                  "chat: the model's chat template uses {}, but its vocabulary has no such control token",
                  marker);
    token(id);
  }

  void token(std::optional<std::int32_t> id) {
    flush();
    if (id) ids_.push_back(*id);
  }

  std::vector<std::int32_t> finish() {
    flush();
    return std::move(ids_);
  }

 private:
  void flush() {
    const auto before =
        first_ && ids_.empty() ? Tokenizer::Before::nothing : Tokenizer::Before::control_token;
    const auto ids =
        tokenizer_.encode(text_, Tokenizer::Special::as_text, Tokenizer::AddSpecial::none, before);
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    text_.clear();
  }

  const Tokenizer& tokenizer_;
  bool first_;
  std::string text_;
  std::vector<std::int32_t> ids_;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

void write_chatml(Writer& out, bool first, std::string_view system, std::string_view user) {
  const auto message = [&](std::string_view role, std::string_view text) {
    out.marker("<|im_start|>");
    out.text(role);
    out.text("\n");
    out.text(text);
    out.marker("<|im_end|>");
    out.text("\n");
  };
  if (first && !system.empty()) message("system", system);
  if (!first) {
    out.marker("<|im_end|>");
    out.text("\n");
  }
  message("user", user);
  out.marker("<|im_start|>");
  out.text("assistant\n");
}

void write_llama3(Writer& out, bool first, std::string_view system, std::string_view user) {
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
  if (first && !system.empty()) message("system", system);
  if (!first) out.marker("<|eot_id|>");
  message("user", user);
  head("assistant");
}

void write_llama2(Writer& out, bool first, std::string_view system, std::string_view user) {
  out.text("[INST] ");
  if (first && !system.empty()) {
    out.text("<<SYS>>\n");
    out.text(system);
    out.text("\n<</SYS>>\n\n");
  }
  out.text(trimmed(user));
  out.text(" [/INST]");
}

struct MistralStyle {
  bool inst_is_token;  // the first Mistrals spell [INST] as text; later ones have a token for it
  bool space_after_inst, space_before_end;
};

MistralStyle mistral_style(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  const bool is_token = tokenizer.control_token("[INST]").has_value();
  // SentencePiece puts a dummy prefix after the token, which is the template's space.
  const bool has_space = is_token && tokenizer.prefixes_after_control_tokens();
  return {is_token, chat_template.space_after_inst && !has_space, chat_template.space_before_inst_end};
}

void write_mistral(Writer& out, const MistralStyle& style, bool first, std::string_view system,
                   std::string_view user) {
  if (style.inst_is_token)
    out.marker("[INST]");
  else
    out.text("[INST]");
  if (style.space_after_inst) out.text(" ");
  if (first && !system.empty()) {
    out.text(system);
    out.text("\n\n");
  }
  out.text(user);
  if (style.space_before_end) out.text(" ");
  if (style.inst_is_token)
    out.marker("[/INST]");
  else
    out.text("[/INST]");
}

// The system message that a ChatML template writes when it is given none: a literal between the markers,
// where other branches put an expression.
std::string chatml_default_system(std::string_view jinja) {
  constexpr std::string_view start = "<|im_start|>system";
  for (std::size_t at = jinja.find(start); at != std::string_view::npos; at = jinja.find(start, at + 1)) {
    std::string_view rest = jinja.substr(at + start.size());
    if (rest.starts_with("\n"))
      rest.remove_prefix(1);
    else if (rest.starts_with("\\n"))  // the newline as Jinja's escape
      rest.remove_prefix(2);
    else
      continue;
    const std::string_view message = rest.substr(0, rest.find("<|im_end|>"));
    if (message.size() < rest.size() && message.find_first_of("{}'\"") == std::string_view::npos)
      return std::string(message);
  }
  return "";
}

}  // namespace

std::optional<ChatTemplate> recognise_chat_template(std::string_view jinja) {
  const auto has = [&](std::string_view marker) { return jinja.find(marker) != std::string_view::npos; };
  ChatTemplate found;
  found.begins_with_bos = has("bos_token");
  if (has("<|im_start|>")) {
    found.style = ChatStyle::chatml;
    found.default_system = chatml_default_system(jinja);
  } else if (has("<|start_header_id|>") && has("<|eot_id|>")) {
    found.style = ChatStyle::llama3;
  } else if (has("[INST]") && has("<<SYS>>")) {
    found.style = ChatStyle::llama2;
  } else if (has("[INST]")) {
    found.style = ChatStyle::mistral;
    found.space_after_inst = has("[INST] ");
    found.space_before_inst_end = has(" [/INST]");
  } else {
    return std::nullopt;
  }
  return found;
}

Conversation::Conversation(const Tokenizer& tokenizer, ChatTemplate chat_template,
                           std::optional<std::string> system)
    : tokenizer_(&tokenizer),
      template_(std::move(chat_template)),
      system_(system ? std::move(*system) : template_.default_system) {}

std::vector<std::int32_t> Conversation::user_turn(std::string_view text) {
  const bool first = std::exchange(first_, false);
  Writer out(*tokenizer_, first);
  const bool inst = template_.style == ChatStyle::llama2 || template_.style == ChatStyle::mistral;
  if (inst && !first) out.token(tokenizer_->eos());
  // Llama 2 was trained on one question and answer per text, so that every turn is the beginning of one.
  if (template_.begins_with_bos && (first || template_.style == ChatStyle::llama2))
    out.token(tokenizer_->bos());

  switch (template_.style) {
    case ChatStyle::chatml:
      write_chatml(out, first, system_, text);
      break;
    case ChatStyle::llama3:
      write_llama3(out, first, system_, text);
      break;
    case ChatStyle::llama2:
      write_llama2(out, first, system_, text);
      break;
    case ChatStyle::mistral:
      write_mistral(out, mistral_style(*tokenizer_, template_), first, system_, text);
      break;
  }
  return out.finish();
}

}  // namespace rung
