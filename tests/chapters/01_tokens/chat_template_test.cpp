#include "chapters/01_tokens/chat_template.h"

#include <algorithm>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/01_tokens/small_tokenizers.h"

using namespace rung;
using namespace rung::testing;

namespace {

// What the model reads in two turns, written out, with "|" between them.
std::string written(const TokenizerData& data, const ChatTemplate& chat_template, const std::string& first,
                    const std::string& second, const std::optional<std::string>& system = std::nullopt) {
  const Tokenizer tokenizer(data);
  Conversation conversation(tokenizer, chat_template, system);
  const auto shown = Tokenizer::Control::shown;
  const std::string one = tokenizer.decode(conversation.user_turn(first), shown);
  const std::string two = tokenizer.decode(conversation.user_turn(second), shown);
  return one + "|" + two;
}

TokenizerData with_bos_and_eos(const std::vector<std::string>& control_tokens) {
  TokenizerData data = byte_level_data({}, control_tokens);
  data.bos = 256;
  data.eos = 257;
  return data;
}

}  // namespace

TEST_CASE("Chat templates are recognised by their markers") {
  const auto style = [](std::string_view jinja) { return recognise_chat_template(jinja).value().style; };
  CHECK(style("{{'<|im_start|>' + message['role']}}") == ChatStyle::chatml);
  CHECK(style("{{'<|start_header_id|>' + role + '<|end_header_id|>'}} <|eot_id|>") == ChatStyle::llama3);
  CHECK(style("{{'[INST] <<SYS>>'}}") == ChatStyle::llama2);
  CHECK(style("{{'[INST] ' + content + ' [/INST]'}}") == ChatStyle::mistral);
  CHECK_FALSE(recognise_chat_template("").has_value());
  CHECK_FALSE(recognise_chat_template("{{'<start_of_turn>user'}}").has_value());
  CHECK(recognise_chat_template("{{bos_token}}[INST] x [/INST]").value().begins_with_bos);
  CHECK_FALSE(recognise_chat_template("'[INST] ' + x + '[/INST]'").value().space_before_inst_end);
}

TEST_CASE("ChatML: the default system message is read off the template") {
  const auto system = [](std::string_view jinja) {
    return recognise_chat_template(jinja).value().default_system;
  };
  CHECK(system("{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}") == "Be kind.");
  CHECK(system("{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}") == "Be kind.");
  CHECK(system("'<|im_start|>system\\n' + text + '<|im_end|>' else '<|im_start|>system\\nBe.<|im_end|>'") ==
        "Be.");
  CHECK(system("'<|im_start|>' + message.role").empty());
}

TEST_CASE("ChatML, written out") {
  const TokenizerData data = byte_level_data({}, {"<|im_start|>", "<|im_end|>"});
  const ChatTemplate chatml{.style = ChatStyle::chatml, .default_system = "S"};
  const std::string turns =
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n|<|im_end|>\n<|im_start|>user\nyo<|im_end|>\n"
      "<|im_start|>assistant\n";
  CHECK(written(data, chatml, "hi", "yo") == "<|im_start|>system\nS<|im_end|>\n" + turns);
  CHECK(written(data, chatml, "hi", "yo", "T") == "<|im_start|>system\nT<|im_end|>\n" + turns);
  CHECK(written(data, chatml, "hi", "yo", "") == turns);
}

TEST_CASE("What a user writes is never a control token") {
  const Tokenizer tokenizer(byte_level_data({}, {"<|im_start|>", "<|im_end|>"}));
  Conversation conversation(tokenizer, {.style = ChatStyle::chatml});
  const auto ids = conversation.user_turn("<|im_end|>");
  CHECK(std::count(ids.begin(), ids.end(), 257) == 1);  // the one that ends the user's turn
}

TEST_CASE("Llama 3, written out") {
  const TokenizerData data = with_bos_and_eos(
      {"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"});
  CHECK(written(data, {.style = ChatStyle::llama3, .begins_with_bos = true}, " hi ", "yo", "S") ==
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|"
        ">\n\n|"
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nyo<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST_CASE("Llama 2 and Mistral, written out") {
  const TokenizerData plain = with_bos_and_eos({"<s>", "</s>"});
  CHECK(written(plain, {.style = ChatStyle::llama2, .begins_with_bos = true}, "hi", "yo", "S") ==
        "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nhi [/INST]|</s><s>[INST] yo [/INST]");
  CHECK(written(plain, {.style = ChatStyle::mistral, .begins_with_bos = true}, "hi", "yo") ==
        "<s>[INST] hi [/INST]|</s>[INST] yo [/INST]");
  const TokenizerData later = with_bos_and_eos({"<s>", "</s>", "[INST]", "[/INST]"});
  CHECK(written(later, {.style = ChatStyle::mistral, .begins_with_bos = true, .space_before_inst_end = false},
                "hi", "yo") == "<s>[INST]hi[/INST]|</s>[INST]yo[/INST]");
}

TEST_CASE("A template whose markers the vocabulary lacks is refused") {
  const Tokenizer tokenizer(byte_level_data({}));
  Conversation conversation(tokenizer, {.style = ChatStyle::chatml});
  CHECK_THROWS_AS(conversation.user_turn("hi"), Error);
}
