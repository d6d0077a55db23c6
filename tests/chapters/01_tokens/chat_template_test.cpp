#include "chapters/01_tokens/chat_template.h"

#include <algorithm>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/01_tokens/small_tokenizers.h"

using namespace rung;
using namespace rung::testing;

namespace {

const std::string space_mark = "\xE2\x96\x81";

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
  CHECK(recognise_chat_template("'[INST] ' + x + '[/INST]'").value().space_after_inst);
  CHECK_FALSE(recognise_chat_template("'[INST]' + x + '[/INST]'").value().space_after_inst);
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
  ChatTemplate style{.style = ChatStyle::mistral,
                     .begins_with_bos = true,
                     .space_after_inst = false,
                     .space_before_inst_end = false};
  CHECK(written(later, style, "hi", "yo") == "<s>[INST]hi[/INST]|</s>[INST]yo[/INST]");
  style.space_after_inst = true;
  CHECK(written(later, style, "hi", "yo") == "<s>[INST] hi[/INST]|</s>[INST] yo[/INST]");
}

TEST_CASE("The space after Mistral's [INST] is the template's or the dummy prefix, never both") {
  TokenizerData data = sentencepiece_data({{"a", -5}, {space_mark, -7}, {space_mark + "a", -2}});  // 259 on
  data.pieces.insert(data.pieces.end(), {"[INST]", "[/INST]"});
  data.types.insert(data.types.end(), 2, PieceType::control);
  data.scores.insert(data.scores.end(), 2, 0.0F);
  const ChatTemplate style{
      .style = ChatStyle::mistral, .begins_with_bos = true, .space_before_inst_end = false};
  // Mistral 7B Instruct v0.3, whose tokenizer.json has "first", and its GGUF file
  for (const DummyPrefix prefix :
       {DummyPrefix::texts, DummyPrefix::bare_texts, DummyPrefix::bare_stretches}) {
    data.dummy_prefix = prefix;
    const Tokenizer tokenizer(data);
    CHECK(Conversation(tokenizer, style).user_turn("a") == std::vector<std::int32_t>{1, 262, 261, 263});
  }
}

TEST_CASE("A dummy prefix for the beginning of a text stands at the beginning of the conversation only") {
  TokenizerData data = sentencepiece_data({{"[INST]", -5}, {space_mark, -7}});
  data.dummy_prefix = DummyPrefix::bare_texts;
  const Tokenizer tokenizer(data);
  const auto begins = [&](bool bos) {
    const ChatTemplate style{.style = ChatStyle::llama2, .begins_with_bos = bos};
    return Conversation(tokenizer, style).user_turn("a")[bos ? 1 : 0];
  };
  CHECK(begins(false) == 260);
  CHECK(begins(true) == 3 + '[');
}

TEST_CASE("A template whose markers the vocabulary lacks is refused") {
  const Tokenizer tokenizer(byte_level_data({}));
  Conversation conversation(tokenizer, {.style = ChatStyle::chatml});
  CHECK_THROWS_AS(conversation.user_turn("hi"), Error);
}
