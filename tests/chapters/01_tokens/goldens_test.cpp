// Token ids against other programs'. tests/golden/make_token_goldens.py has written them and says by which.

#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chapters/01_tokens/bpe_training.h"
#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/pre_tokenizer.h"
#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/split_patterns.h"
#include "core/checkpoint/tokenizer_json.h"
#include "tests/catch.h"
#include "tests/support/models.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
using nlohmann::json;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr auto as_text = Tokenizer::Special::as_text;
constexpr auto parse = Tokenizer::Special::parse;

// Set RUNG_TOKEN_GOLDENS to test against what the script has written elsewhere, such as from Llama 2's model.
json golden(const std::string& name) {
  const char* elsewhere = std::getenv("RUNG_TOKEN_GOLDENS");
  const std::filesystem::path folder =
      elsewhere ? std::filesystem::path(elsewhere)
                : std::filesystem::path(RUNG_SOURCE_DIR) / "tests" / "golden" / "tokens";
  return read_json(folder / name);
}

struct Strings {
  std::vector<std::string> valid, invalid;
};

Strings read_strings() {
  const json file = golden("strings.json");
  Strings strings;
  strings.valid = file.at("strings").get<std::vector<std::string>>();
  for (const std::string hex : file.at("invalid")) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    strings.invalid.push_back(bytes);
  }
  return strings;
}

void check_ids(const Tokenizer& tokenizer, const std::vector<std::string>& strings, const json& expected,
               Tokenizer::Special special) {
  REQUIRE(strings.size() == expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    INFO(i << ": " << strings[i]);
    CHECK(tokenizer.encode(strings[i], special) == expected[i].get<Ids>());
  }
}

// Where two ways of reading a string mostly come to the same ids, only the differing ones are kept.
json with_differences(json ids, const json& differences) {
  for (const auto& [place, different] : differences.items()) ids.at(std::stoul(place)) = different;
  return ids;
}

TokenizerData read_document(const json& document) {
  const support::TemporaryDirectory directory;
  support::write_file(directory.path() / "tokenizer.json", document.dump());
  return read_tokenizer_json(directory.path());
}

TokenizerData scored_pieces(const json& pieces) {
  const std::map<std::string, PieceType> types = {
      {"normal", PieceType::normal},   {"unknown", PieceType::unknown},
      {"control", PieceType::control}, {"user_defined", PieceType::user_defined},
      {"unused", PieceType::unused},   {"byte", PieceType::byte}};
  TokenizerData data;
  data.kind = TokenizerKind::sentencepiece;
  for (const json& piece : pieces) {
    data.pieces.push_back(piece.at(0).get<std::string>());
    data.scores.push_back(piece.at(1).get<float>());
    data.types.push_back(types.at(piece.at(2).get<std::string>()));
  }
  data.unk = 0;
  data.bos = 1;
  data.eos = 2;
  data.dummy_prefix = DummyPrefix::texts;
  return data;
}

}  // namespace

TEST_CASE("Words are those of Hugging Face's pre-tokenizers: GPT-2, SmolLM2, Llama 3") {
  const Strings strings = read_strings();
  const json expected = golden("splits.json");
  for (const auto& [pre, lengths] : expected.items()) {
    const PreTokenizer pre_tokenizer(split_patterns(pre));
    REQUIRE(lengths.size() == strings.valid.size());
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      INFO(pre << ", " << i << ": " << strings.valid[i]);
      std::vector<std::size_t> found;
      pre_tokenizer.split(strings.valid[i], [&](std::string_view word) { found.push_back(word.size()); });
      CHECK(found == lengths[i].get<std::vector<std::size_t>>());
    }
  }
}

TEST_CASE("SmolLM2: ids are those of `tokenizers` and llama.cpp") {
  const Strings strings = read_strings();
  const json expected = golden("smollm2.json");
  const Checkpoint checkpoint = Checkpoint::open(testing::smollm2_path());
  const Tokenizer tokenizer(checkpoint.tokenizer());
  check_ids(tokenizer, strings.valid, expected.at("as_text"), as_text);
  check_ids(tokenizer, strings.valid, with_differences(expected.at("as_text"), expected.at("parsed")), parse);
  check_ids(tokenizer, strings.invalid, expected.at("invalid"), as_text);
}

TEST_CASE("SmolLM2: conversations are what Jinja makes of the model's own template") {
  const Checkpoint checkpoint = Checkpoint::open(testing::smollm2_path());
  const Tokenizer tokenizer(checkpoint.tokenizer());
  const auto chat_template = recognise_chat_template(tokenizer.chat_template());
  REQUIRE(chat_template.has_value());
  CHECK(tokenizer.ends_turn(tokenizer.control_token("<|im_end|>").value()));
  const json conversations = golden("smollm2.json").at("conversations");
  REQUIRE(conversations.size() == 4);
  for (const json& golden_conversation : conversations) {
    std::optional<std::string> system;
    if (golden_conversation.at("system").is_string())
      system = golden_conversation.at("system").get<std::string>();
    Conversation conversation(tokenizer, *chat_template, system);
    Ids ids;
    for (std::size_t turn = 0; turn < golden_conversation.at("turns").size(); ++turn) {
      const Ids more = conversation.user_turn(golden_conversation.at("turns")[turn].get<std::string>());
      ids.insert(ids.end(), more.begin(), more.end());
      CHECK(ids == golden_conversation.at("ids")[turn].get<Ids>());
      const Ids answer = tokenizer.encode("Answer " + std::to_string(turn) + ".");
      ids.insert(ids.end(), answer.begin(), answer.end());
    }
  }
}

TEST_CASE("tokenizer.json, byte-level: ids are those of `tokenizers`, with each pre-tokenizer") {
  const Strings strings = read_strings();
  const json expected = golden("byte_level.json");
  for (const json& variant : expected.at("variants")) {
    json document = expected.at("tokenizer");
    document["pre_tokenizer"] = variant.at("pre_tokenizer");
    document["model"]["ignore_merges"] = variant.at("ignore_merges");
    TokenizerData data = read_document(document);
    const Tokenizer tokenizer(data);
    check_ids(tokenizer, strings.valid, with_differences(expected.at("parsed"), variant.at("parsed")), parse);
    for (const std::string& text : strings.valid) CHECK(tokenizer.decode(tokenizer.encode(text)) == text);

    // The same through the name that GGUF has for it.
    const std::string pre = variant.at("pre").get<std::string>();
    CHECK(data.split_patterns == split_patterns(pre));
    CHECK(data.ignore_merges == pre_tokenizer_ignores_merges(pre));
  }
}

TEST_CASE("SentencePiece by scores: ids and text are those of `sentencepiece`") {
  const Strings strings = read_strings();
  const json expected = golden("sentencepiece.json");
  const Tokenizer tokenizer(scored_pieces(expected.at("pieces")));
  check_ids(tokenizer, strings.valid, expected.at("ids"), as_text);
  check_ids(tokenizer, strings.invalid, expected.at("invalid"), as_text);
  for (std::size_t i = 0; i < strings.valid.size(); ++i)
    CHECK(tokenizer.decode(expected.at("ids")[i].get<Ids>()) == expected.at("decoded")[i].get<std::string>());

  const json parsed = with_differences(expected.at("ids"), expected.at("parsed"));
  check_ids(tokenizer, strings.valid, parsed, parse);
}

TEST_CASE(
    "SentencePiece by merges, from tokenizer.json: ids are those of `tokenizers`, with each dummy prefix") {
  const Strings strings = read_strings();
  const json expected = golden("sentencepiece.json");
  const std::vector<DummyPrefix> prefixes = {DummyPrefix::stretches, DummyPrefix::stretches,
                                             DummyPrefix::bare_texts, DummyPrefix::bare_stretches};
  REQUIRE(expected.at("variants").size() == prefixes.size());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const json& variant = expected.at("variants")[i];
    json document = expected.at("tokenizer");
    for (const char* step : {"normalizer", "pre_tokenizer"}) document[step] = variant.at(step);
    for (json& token : document["added_tokens"]) token["normalized"] = variant.at("normalized");
    const TokenizerData data = read_document(document);
    CHECK(data.kind == TokenizerKind::sentencepiece);
    CHECK(data.dummy_prefix == prefixes[i]);
    CHECK(data.unk == 0);
    const Tokenizer tokenizer(data);
    check_ids(tokenizer, strings.valid, with_differences(expected.at("ids"), variant.at("ids")), as_text);
    check_ids(tokenizer, strings.valid, with_differences(expected.at("ids"), variant.at("parsed")), parse);
    check_ids(tokenizer, strings.invalid, expected.at("invalid"), as_text);
  }
}

TEST_CASE("SentencePiece: text comes back, but for U+2581, which it takes for a space") {
  const Strings strings = read_strings();
  const Tokenizer tokenizer(scored_pieces(golden("sentencepiece.json").at("pieces")));
  int tried = 0;
  for (const std::string& text : strings.valid) {
    if (text.find("\xE2\x96\x81") != std::string::npos) continue;
    INFO(text);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    ++tried;
  }
  CHECK(tried > 200);
}

TEST_CASE("Conversations are what Jinja makes of the models' own templates, in all four styles") {
  const json models = golden("chat.json").at("models");
  REQUIRE(models.size() == 9);
  for (const json& model : models) {
    INFO(model.at("model").get<std::string>());
    TokenizerData data = byte_level_tokenizer({});
    data.bos = 256;
    data.eos = 257;
    for (const json& token : model.at("tokens")) {
      data.pieces.push_back(token.get<std::string>());
      data.types.push_back(PieceType::control);
    }
    const Tokenizer tokenizer(data);
    const auto chat_template = recognise_chat_template(model.at("template").get<std::string>());
    REQUIRE(chat_template.has_value());
    REQUIRE(model.at("conversations").size() >= 2);
    for (const json& one : model.at("conversations")) {
      std::optional<std::string> system;
      if (one.at("system").is_string()) system = one.at("system").get<std::string>();
      Conversation conversation(tokenizer, *chat_template, system);
      std::string text;
      for (std::size_t turn = 0; turn < one.at("turns").size(); ++turn) {
        if (turn > 0) text += one.at("answers").at(turn - 1).get<std::string>();
        const Ids ids = conversation.user_turn(one.at("turns").at(turn).get<std::string>());
        text += tokenizer.decode(ids, Tokenizer::Control::shown);
        CHECK(text == one.at("prompts").at(turn).get<std::string>());
      }
    }
  }
}
