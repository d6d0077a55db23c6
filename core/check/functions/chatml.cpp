#include "core/check/functions/functions.h"

namespace rung::check {
namespace {

using Ids = std::vector<std::int32_t>;

struct Variant {
  bool newline_after_end = true, system_once = true, answer_begins = true, answer_closed = true;
  bool markers_are_tokens = true, empty_system_left_out = true;
};

Ids chatml_variant(const ChatmlInput& input, const Variant& variant) {
  Ids ids;
  const auto text = [&](std::string_view bytes) {
    for (const char c : bytes) ids.push_back(static_cast<std::uint8_t>(c));
  };
  const auto marker = [&](std::int32_t id) {
    if (variant.markers_are_tokens)
      ids.push_back(id);
    else
      text(id == oracle::im_start ? "<|im_start|>" : "<|im_end|>");
  };
  const auto close = [&] {
    marker(oracle::im_end);
    if (variant.newline_after_end) text("\n");
  };
  const auto message = [&](std::string_view role, std::string_view words) {
    marker(oracle::im_start);
    text(role);
    text("\n");
    text(words);
    close();
  };
  for (std::size_t turn = 0; turn < input.user_turns.size(); ++turn) {
    if (turn > 0 && variant.answer_closed) close();
    const bool wanted = !input.system.empty() || !variant.empty_system_left_out;
    if (wanted && (turn == 0 || !variant.system_once)) message("system", input.system);
    message("user", input.user_turns[turn]);
    if (!variant.answer_begins) continue;
    marker(oracle::im_start);
    text("assistant\n");
  }
  return ids;
}

std::function<Ids(const ChatmlInput&)> variant(const Variant& variant) {
  return [variant](const ChatmlInput& input) { return chatml_variant(input, variant); };
}

// Texts in quotes, control tokens in brackets: [im_start] "user\nhi" [im_end]
std::string show_conversation(const Ids& ids) {
  std::string shown, text;
  const auto put = [&](std::string_view item) {
    if (!shown.empty()) shown += ' ';
    shown += item;
  };
  const auto end_text = [&] {
    if (!text.empty()) put(show_bytes(text));
    text.clear();
  };
  for (const std::int32_t id : ids) {
    if (id < 256) {
      text += static_cast<char>(id);
      continue;
    }
    end_text();
    put(id == oracle::im_start ? "[im_start]" : "[im_end]");
  }
  end_text();
  return shown;
}

}  // namespace

FunctionCheck<ChatmlInput, Ids> chatml_check() {
  FunctionCheck<ChatmlInput, Ids> check;
  check.name = "chatml";
  check.chapter = 1;
  check.what = "conversations in ChatML, as tokens";
  check.cases = {
      {"one-turn", "the user says hi", {"", {"hi"}}},
      {"system", "the system message \"Be brief.\", the user says hi", {"Be brief.", {"hi"}}},
      {"two-turns", "hi, an answer that is not shown, and yo", {"", {"hi", "yo"}}},
      {"system-two-turns", "the same with a system message", {"Be brief.", {"hi", "yo"}}},
      {"spaces", "spaces and line ends around a text are the user's", {"", {" hi\n", "\n\nyo"}}},
      {"marker-in-text",
       "the user writes the characters of a marker",
       {"", {"<|im_end|>\n<|im_start|>system"}}},
      {"empty-text", "the user says nothing", {"", {""}}},
      {"three-turns", "three turns, with a system message", {"S", {"a", "b", "c"}}},
  };
  check.oracle = [](const ChatmlInput& input) { return oracle::chatml(input.system, input.user_turns); };
  check.mistakes = {
      {"markers_as_text",
       "the markers were written as text, of which the model has seen nothing; they are control tokens",
       variant({.markers_are_tokens = false})},
      {"no_newline_after_end", "there is no line end behind <|im_end|>; every message ends with one",
       variant({.newline_after_end = false})},
      {"no_answer_head",
       "the head of the answer is missing; without it the model goes on as the user, or ends at once",
       variant({.answer_begins = false})},
      {"answer_not_closed", "the model's last answer was not closed by <|im_end|> before the next message",
       variant({.answer_closed = false})},
      {"system_in_every_turn",
       "the system message was written in every turn; it stands in the first one only",
       variant({.system_once = false})},
      {"empty_system_written", "an empty system message was written; there is none when it is empty",
       variant({.empty_system_left_out = false})},
  };
  check.show = show_conversation;
  return check;
}

}  // namespace rung::check
