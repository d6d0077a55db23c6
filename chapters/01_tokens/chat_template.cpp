#include "chapters/01_tokens/chat_template.h"

#include <utility>

#include "chapters/01_tokens/chat_styles.h"

namespace rung {
namespace {

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

// What stands between two texts in the template; empty where it does not have them.
std::string_view between(std::string_view jinja, std::string_view begin, std::string_view end) {
  const std::size_t at = jinja.find(begin);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = jinja.substr(at + begin.size());
  const std::size_t length = rest.find(end);
  return length == std::string_view::npos ? "" : rest.substr(0, length);
}

// Llama 3.1 and later begin every conversation with two dates. Of today's the template has one for programs that
// tell it none; a fixed one gives the same tokens every day.
std::string llama3_preface(std::string_view jinja) {
  const std::string_view knowledge = between(jinja, "\"Cutting Knowledge Date: ", "\\n\"");
  const std::string_view today = between(jinja, "date_string = \"", "\"");
  if (knowledge.empty() || today.empty()) return "";
  std::string preface;
  preface.append("Cutting Knowledge Date: ").append(knowledge);
  preface.append("\nToday Date: ").append(today).append("\n\n");
  return preface;
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
    found.preface = llama3_preface(jinja);
  } else if (has("[INST]") && has("<<SYS>>")) {
    found.style = ChatStyle::llama2;
    found.bos_every_turn = has("bos_token + ");
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
  ChatWriter out(*tokenizer_, first);
  const bool inst = template_.style == ChatStyle::llama2 || template_.style == ChatStyle::mistral;
  if (inst && !first) out.token(tokenizer_->eos());
  // Llama 2 was trained on one question and answer per text, so that every turn is the beginning of one. Some who
  // trained it further put all turns into one.
  const bool begins = first || (template_.style == ChatStyle::llama2 && template_.bos_every_turn);
  if (template_.begins_with_bos && begins) out.token(tokenizer_->bos());

  const ChatTurn turn{.first = first, .system = system_, .preface = template_.preface, .user = text};
  switch (template_.style) {
    case ChatStyle::chatml:
      write_chatml(out, turn);
      break;
    case ChatStyle::llama3:
      write_llama3(out, turn);
      break;
    case ChatStyle::llama2:
      write_llama2(out, turn);
      break;
    case ChatStyle::mistral:
      write_mistral(out, turn, mistral_style(*tokenizer_, template_));
      break;
  }
  return out.finish();
}

}  // namespace rung
