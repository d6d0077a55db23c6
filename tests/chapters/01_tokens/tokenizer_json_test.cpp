#include "core/checkpoint/tokenizer_json.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
using nlohmann::json;

namespace {

json small_document() {
  return json::parse(R"({
    "added_tokens": [{"id": 4, "content": "<|end|>", "special": true}, {"id": 5, "content": "<|im_end|>", "special": true},
                     {"id": 6, "content": "<tool>", "special": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3}, "merges": ["a b"]}
  })");
}

struct Files {
  json tokenizer = small_document();
  std::vector<std::pair<std::string, std::string>> others;

  TokenizerData read() const {
    const support::TemporaryDirectory directory;
    support::write_file(directory.path() / "tokenizer.json", tokenizer.dump());
    for (const auto& [name, text] : others) support::write_file(directory.path() / name, text);
    return read_tokenizer_json(directory.path());
  }
};

std::string complaint(const Files& files) {
  try {
    files.read();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A pointer into the document is set to a value, and the message must be one line with both words.
void check_refused(const std::string& pointer, const json& value, const std::string& word) {
  Files files;
  files.tokenizer[json::json_pointer(pointer)] = value;
  const std::string message = complaint(files);
  INFO(pointer << " = " << value.dump().substr(0, 200) << ": " << message);
  CHECK(support::one_line_with(message, {"tokenizer.json", word}));
}

}  // namespace

TEST_CASE("tokenizer.json: pieces, merges in both spellings, special tokens") {
  Files files;
  const TokenizerData data = files.read();
  CHECK(data.kind == TokenizerKind::byte_level);
  CHECK(data.pieces == std::vector<std::string>{"a", "b", "Ġ", "ab", "<|end|>", "<|im_end|>", "<tool>"});
  CHECK(data.types[3] == PieceType::normal);
  CHECK(data.types[4] == PieceType::control);
  CHECK(data.types[6] == PieceType::user_defined);
  CHECK(data.split_patterns.size() == 1);
  CHECK(data.end_of_turn == std::vector<std::int32_t>{5});
  CHECK_FALSE(data.add_bos);

  files.tokenizer["model"]["merges"] = json::parse(R"([["a", "b"]])");
  CHECK(files.read().merges == data.merges);
}

TEST_CASE("tokenizer.json: what the files beside it say") {
  Files files;
  files.others = {
      {"tokenizer_config.json",
       R"({"bos_token": {"content": "<|end|>"}, "eos_token": "<|im_end|>", "add_bos_token": true, "chat_template": "T"})"},
      {"generation_config.json", R"({"eos_token_id": [5, 4]})"}};
  TokenizerData data = files.read();
  CHECK(data.bos == 4);
  CHECK(data.eos == 5);
  CHECK(data.add_bos);
  CHECK(data.end_of_turn == std::vector<std::int32_t>{5, 4});
  CHECK(data.chat_template == "T");

  files.others = {
      {"tokenizer_config.json",
       R"({"chat_template": [{"name": "tool_use", "template": "U"}, {"name": "default", "template": "D"}]})"}};
  CHECK(files.read().chat_template == "D");
  files.others.emplace_back("chat_template.jinja", "J");
  CHECK(files.read().chat_template == "J");

  files.others = {{"tokenizer_config.json", R"({"eos_token": "<|nowhere|>"})"}};
  CHECK(complaint(files).find("<|nowhere|>") != std::string::npos);
  files.others = {{"config.json", R"({"eos_token_id": 7})"}};
  CHECK(complaint(files).find("eos_token_id") != std::string::npos);
}

TEST_CASE("tokenizer.json: a template that puts a token before the text") {
  Files files;
  files.tokenizer["post_processor"] = json::parse(
      R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>"}}, {"Sequence": {"id": "A"}}]})");
  TokenizerData data = files.read();
  CHECK(data.add_bos);
  CHECK(data.bos == 4);
  CHECK_FALSE(data.add_eos);
  files.others = {{"tokenizer_config.json", R"({"add_bos_token": false})"}};
  CHECK_FALSE(files.read().add_bos);
}

TEST_CASE("tokenizer.json: what is not supported is refused by name") {
  check_refused("/model/type", "WordPiece", "WordPiece");
  check_refused("/model/type", "Unigram", "Unigram");
  check_refused("/model/continuing_subword_prefix", "##", "continuing_subword_prefix");
  check_refused("/model/dropout", 0.1, "dropout");
  check_refused("/normalizer", {{"type", "NFC"}}, "NFC");
  check_refused("/pre_tokenizer", {{"type", "Whitespace"}}, "Whitespace");
  check_refused("/pre_tokenizer/add_prefix_space", true, "add_prefix_space");
  check_refused("/pre_tokenizer", nullptr, "pre_tokenizer");
  check_refused("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}}, "split");
  check_refused("/post_processor", {{"type", "BertProcessing"}}, "BertProcessing");
  check_refused("/added_tokens/0/lstrip", true, "lstrip");
}

namespace {

json sentencepiece_document() {
  json document = small_document();
  document["normalizer"] = {{"type", "Prepend"}, {"prepend", "\u2581"}};
  document["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "never"}, {"split", false}};
  document["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"\u2581", 2}, {"ab", 3}};
  document["model"]["unk_token"] = "a";
  return document;
}

}  // namespace

TEST_CASE("tokenizer.json: SentencePiece's way, and what of it is not supported") {
  Files files;
  files.tokenizer = sentencepiece_document();
  CHECK(files.read().dummy_prefix == DummyPrefix::stretches);
  CHECK_FALSE(files.read().fuse_unk);
  CHECK(files.read().found_normalized.empty());
  files.tokenizer["model"]["fuse_unk"] = true;
  CHECK(files.read().fuse_unk);
  files.tokenizer["added_tokens"][2]["normalized"] = true;
  CHECK(files.read().found_normalized == std::vector<std::int32_t>{6});

  const auto refused = [](const std::string& pointer, const json& value, const std::string& word) {
    Files changed;
    changed.tokenizer = sentencepiece_document();
    changed.tokenizer[json::json_pointer(pointer)] = value;
    const std::string message = complaint(changed);
    INFO(pointer << ": " << message);
    CHECK(support::one_line_with(message, {"tokenizer.json", word}));
  };
  refused("/pre_tokenizer/prepend_scheme", "first", "a second one");
  refused("/normalizer",
          {{"type", "Sequence"},
           {"normalizers",
            {{{"type", "Prepend"}, {"prepend", "\u2581"}}, {{"type", "Prepend"}, {"prepend", "\u2581"}}}}},
          "a second one");
  refused("/model/ignore_merges", true, "ignore_merges");
  refused("/added_tokens/2", {{"id", 6}, {"content", "<a b>"}, {"normalized", true}}, "normalized");
}

TEST_CASE("tokenizer.json: markers of turns are control tokens, whatever the file calls them") {
  Files files;
  files.tokenizer["added_tokens"][0] = {{"id", 4}, {"content", "<|im_start|>"}, {"special", false}};
  files.tokenizer["added_tokens"][1]["special"] = false;
  const TokenizerData data = files.read();
  CHECK(data.types[4] == PieceType::control);
  CHECK(data.types[5] == PieceType::control);
  CHECK(data.types[6] == PieceType::user_defined);
  CHECK(data.end_of_turn == std::vector<std::int32_t>{5});
}

TEST_CASE("tokenizer.json: more splits than anybody needs are refused") {
  json steps = json::array();
  for (int i = 0; i < 17; ++i) steps.push_back({{"type", "Digits"}});
  check_refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}, "16 splits");
}

TEST_CASE("tokenizer.json: a tokenizer that cannot be made names the file and the piece") {
  Files files;
  files.tokenizer["model"]["merges"] = json::array({"a b", "ab Ġ"});
  try {
    const Tokenizer tokenizer(files.read());
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(support::one_line_with(error.what(), {"tokenizer.json: ", "merge 1", "ab\\xc4\\xa0"}));
  }
}

TEST_CASE("tokenizer.json: millions of small values are read in no time") {
  std::string many = "[{}";
  for (int i = 0; i < 500000; ++i) many += ",{}";
  const support::TemporaryDirectory directory;
  support::write_file(directory.path() / "tokenizer.json", "{\"version\":{\"a\":" + many + "]}}");
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(read_tokenizer_json(directory.path()), Error);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() < 5);  // quadratic, it was minutes
}

TEST_CASE("tokenizer.json: what is malformed is refused with its place") {
  check_refused("", json::array(), "object");
  check_refused("/model", 5, "model");
  check_refused("/model/vocab", json::array(), "model.vocab");
  check_refused("/model/vocab/a", "0", "vocab");
  check_refused("/model/vocab/a", -1, "vocab");
  check_refused("/model/vocab/a", 1.5, "vocab");
  check_refused("/model/vocab/a", 4294967296, "vocab");
  check_refused("/model/vocab/a", 900, "holes");
  check_refused("/model/vocab/a", 1, "twice");
  check_refused("/model/merges", "a b", "merges");
  check_refused("/model/merges/0", "ab", "merges");
  check_refused("/model/merges/0", "a b c", "merges");
  check_refused("/model/merges/0", {"a", "b", "c"}, "merges");
  check_refused("/model/merges/0", 7, "merges");
  check_refused("/model/unk_token", "<unk>", "unk_token");
  check_refused("/model/byte_fallback", "yes", "byte_fallback");
  check_refused("/added_tokens", 3, "added_tokens");
  check_refused("/added_tokens/0/id", 2147483648, "id");
  check_refused("/added_tokens/0/content", 3, "content");
  check_refused("/added_tokens/0/content", "a", "id");
  check_refused("/pre_tokenizer/type", 3, "type");
  check_refused("/pre_tokenizer/use_regex", 3, "use_regex");
}

TEST_CASE("tokenizer.json: text that is no JSON, and nesting without end") {
  const auto complain = [](const std::string& text) {
    const support::TemporaryDirectory directory;
    support::write_file(directory.path() / "tokenizer.json", text);
    try {
      read_tokenizer_json(directory.path());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(support::one_line_with(complain(""), {"tokenizer.json", "JSON"}));
  CHECK(support::one_line_with(complain(small_document().dump().substr(0, 300)),
                               {"tokenizer.json", "complete"}));
  CHECK(support::one_line_with(complain(std::string(1000000, '[')), {"tokenizer.json", "deep"}));
  CHECK(support::one_line_with(complain("{\"model\": \"\xFF\"}"), {"tokenizer.json", "JSON"}));
  const support::TemporaryDirectory empty;
  CHECK_THROWS_AS(read_tokenizer_json(empty.path()), Error);
}

TEST_CASE("tokenizer.json cut anywhere is refused, never more than that") {
  const std::string text = small_document().dump();
  const support::TemporaryDirectory directory;
  for (std::size_t length = 0; length < text.size(); ++length) {
    support::write_file(directory.path() / "tokenizer.json", std::string_view(text).substr(0, length));
    CHECK_THROWS_AS(read_tokenizer_json(directory.path()), Error);
  }
}
