#include "chapters/01_tokens/tokenizer.h"

#include <chrono>
#include <limits>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/01_tokens/small_tokenizers.h"

using namespace rung;
using namespace rung::testing;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr auto parse = Tokenizer::Special::parse;
const std::string space_mark = "\xE2\x96\x81";

TokenizerData abc() {
  return sentencepiece_data(
      {{"a", -5}, {"b", -6}, {space_mark, -7}, {"ab", -1}, {space_mark + "a", -2}, {space_mark + "ab", -3}});
}

}  // namespace

TEST_CASE("Control tokens in text are text, unless they are asked for") {
  const Tokenizer tokenizer(byte_level_data({}, {"<|x|>", "<|x|>y"}));
  CHECK(tokenizer.encode("<|x|>") == Ids{'<', '|', 'x', '|', '>'});
  CHECK(tokenizer.encode("a<|x|>b", parse) == Ids{'a', 256, 'b'});
  CHECK(tokenizer.encode("<|x|>y<|x|>", parse) == Ids{257, 256});  // the longest at the leftmost place
  CHECK(tokenizer.decode(Ids{'a', 256, 'b'}) == "ab");
  CHECK(tokenizer.decode(Ids{'a', 256, 'b'}, Tokenizer::Control::shown) == "a<|x|>b");
  CHECK(tokenizer.control_token("<|x|>") == 256);
  CHECK_FALSE(tokenizer.control_token("a").has_value());
}

TEST_CASE("No text can be merged into a control token, or taken for one as a whole word") {
  TokenizerData data = byte_level_data({"a b"}, {"abc"});
  data.ignore_merges = true;
  CHECK(Tokenizer(data).encode("abc") == Ids{256, 'c'});
  data.merges.emplace_back("ab", "c");
  CHECK(refusal(data).find("merge 1") != std::string::npos);
}

TEST_CASE("Whole words before merges, where the model says so") {
  TokenizerData data = byte_level_data({"a b", "b c"});
  data.pieces.push_back("abc");
  data.types.push_back(PieceType::normal);
  CHECK(Tokenizer(data).encode("abc") == Ids{256, 'c'});
  data.ignore_merges = true;
  CHECK(Tokenizer(data).encode("abc") == Ids{258});
}

TEST_CASE("Begin and end tokens are added where the model says so, and only when asked for") {
  TokenizerData data = byte_level_data({}, {"<s>", "</s>"});
  data.bos = 256;
  data.eos = 257;
  const auto as_model_says = Tokenizer::AddSpecial::as_the_model_says;
  CHECK(Tokenizer(data).encode("a", parse, as_model_says) == Ids{'a'});
  data.add_bos = true;
  CHECK(Tokenizer(data).encode("a", parse, as_model_says) == Ids{256, 'a'});
  CHECK(Tokenizer(data).encode("a") == Ids{'a'});
  data.add_eos = true;
  CHECK(Tokenizer(data).encode("", parse, as_model_says) == Ids{256, 257});
}

TEST_CASE("A byte that the vocabulary lacks is left out, as other programs do") {
  TokenizerData data = byte_level_data({});
  data.types['x'] = PieceType::unused;
  CHECK(Tokenizer(data).encode("axb") == Ids{'a', 'b'});
}

TEST_CASE("A byte that the vocabulary lacks is the unknown-token, where there is one") {
  TokenizerData data = byte_level_data({}, {"<unk>"});
  data.types['x'] = PieceType::unused;
  data.types['y'] = PieceType::unused;
  data.unk = 256;
  CHECK(Tokenizer(data).encode("axyb") == Ids{'a', 256, 'b'});
  data.fuse_unk = false;
  CHECK(Tokenizer(data).encode("axyb") == Ids{'a', 256, 256, 'b'});
}

TEST_CASE("Tens of thousands of special tokens are sorted in and found in no time") {
  TokenizerData data = byte_level_data({});
  for (int i = 0; i < 65536; ++i) data.pieces.push_back("<|s_" + std::to_string(i) + "|>");
  data.types.resize(data.pieces.size(), PieceType::control);
  const auto start = std::chrono::steady_clock::now();
  const Tokenizer tokenizer(data);
  std::string text;
  for (int i = 0; i < 65536; ++i) text += data.pieces[256 + i];
  const Ids ids = tokenizer.encode(text, parse);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  REQUIRE(ids.size() == 65536);
  CHECK(ids[65535] == 256 + 65535);
  CHECK(took.count() < 2);  // a list for each first byte took 6 s
}

TEST_CASE("Split patterns that PCRE2 reads otherwise than Oniguruma are refused by what is in them") {
  const auto refused = [](const std::string& pattern, const std::string& part) {
    TokenizerData data = byte_level_data({});
    data.split_patterns = {pattern};
    data.file = "t.json";
    const std::string message = refusal(data);
    INFO(pattern << ": " << message);
    CHECK(message.starts_with("t.json: tokenizer: "));
    CHECK(message.find("\"" + part + "\"") != std::string::npos);
    CHECK(message.find("Oniguruma") != std::string::npos);
  };
  refused(R"(\h+)", R"(\h)");
  refused(R"([^\H])", R"(\H)");
  refused(R"(\C)", R"(\C)");
  refused(R"(\w+|\s)", R"(\w)");
  refused(R"(a\b)", R"(\b)");
  refused(R"([a-z&&[^aeiou]]+)", "&&");
  refused(R"([a[bc]])", "[b");
  refused(R"([[:alpha:]])", "[:");
  refused(R"([]a[b])", "[b");
  refused("^a", "^");
  refused(R"(\s++$)", "$");
  refused("(?s).", "(?s");
  refused("(?<a>b)", "(?<");
  refused("(*UCP)a", "(*");
  refused(R"(\p{N}{1,3}+)", "{1,3}+");
  refused("a{,3}", "{,");
  refused("a{3}?", "{3}?");
  refused("a(?i)b|c", "(?i");
  refused(R"([\[]\h)", R"(\h)");
  for (const char* pattern :
       {R"([^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)", R"((?i)'s|(?i:'t)|(?<=a)b{1,2}?)",
        "[^]&]+|[$^{&]"}) {
    TokenizerData data = byte_level_data({});
    data.split_patterns = {pattern};
    INFO(pattern);
    CHECK(refusal(data) == "");
  }
}

TEST_CASE("A split pattern that can match an empty text is refused") {
  TokenizerData data = byte_level_data({});
  for (const char* pattern : {R"(\s*)", "", "a|b?"}) {
    data.split_patterns = {pattern};
    CHECK(refusal(data).find("empty text") != std::string::npos);
  }
}

TEST_CASE("SentencePiece: dummy prefix, scores, bytes for what is unknown") {
  const Tokenizer tokenizer(abc());
  CHECK(tokenizer.encode("") == Ids{});
  CHECK(tokenizer.encode("ab") == Ids{264});
  CHECK(tokenizer.encode(" ab") == Ids{261, 264});
  CHECK(tokenizer.encode("ba") == Ids{261, 260, 259});
  CHECK(tokenizer.encode("a\n") == Ids{263, 3 + '\n'});
  CHECK(tokenizer.encode("</s>a", parse) == Ids{2, 263});  // after a control token a text begins
  CHECK(tokenizer.decode(Ids{264, 261, 259}) == "ab a");
  CHECK(tokenizer.piece_bytes(264) == " ab");
  CHECK(tokenizer.decode(Ids{1, 264, 2}) == "ab");
  CHECK(tokenizer.decode(tokenizer.encode("  a \xC3\xA9 b")) == "  a \xC3\xA9 b");
}

TEST_CASE("SentencePiece: of pieces with equal scores the leftmost comes first") {
  TokenizerData data = sentencepiece_data({{"a", -5}, {"b", -5}, {"ab", -1}, {"ba", -1}});
  data.dummy_prefix = DummyPrefix::none;
  CHECK(Tokenizer(data).encode("aba") == Ids{261, 259});
  CHECK(Tokenizer(data).encode("bab") == Ids{262, 260});
}

TEST_CASE("SentencePiece: a piece may reach over a space") {
  TokenizerData data = abc();
  CHECK(Tokenizer(data).encode("a b") == Ids{263, 261, 260});
  data.pieces.insert(data.pieces.end(), {space_mark + "b", space_mark + "a" + space_mark + "b"});
  data.types.insert(data.types.end(), 2, PieceType::normal);
  data.scores.insert(data.scores.end(), {-8, -9});
  CHECK(Tokenizer(data).encode("a b") == Ids{266});
}

TEST_CASE("SentencePiece without byte pieces: a run of unknown characters is one <unk>") {
  TokenizerData data = abc();
  data.pieces.erase(data.pieces.begin() + 3, data.pieces.begin() + 259);
  data.types.erase(data.types.begin() + 3, data.types.begin() + 259);
  data.scores.erase(data.scores.begin() + 3, data.scores.begin() + 259);
  const Tokenizer tokenizer(data);
  CHECK(tokenizer.encode("axyb") == Ids{7, 0, 4});
  data.fuse_unk = false;
  CHECK(Tokenizer(data).encode("axyb") == Ids{7, 0, 0, 4});
  data.unk.reset();
  CHECK(refusal(data).find("unknown") != std::string::npos);
}

TEST_CASE("Ids outside the vocabulary are refused") {
  const Tokenizer tokenizer(byte_level_data({}));
  CHECK(tokenizer.vocab() == 256);
  CHECK_THROWS_AS(tokenizer.piece_bytes(256), Error);
  CHECK_THROWS_AS(tokenizer.piece(-1), Error);
  CHECK_THROWS_AS(tokenizer.decode(Ids{0, 1000000}), Error);
}

TEST_CASE("A tokenizer with holes is refused, and the message says where") {
  const auto says = [](const TokenizerData& data, const std::string& part) {
    const std::string message = refusal(data);
    INFO(message);
    return message.find(part) != std::string::npos && message.find('\n') == std::string::npos;
  };
  TokenizerData data = byte_level_data({"a b"});
  REQUIRE(refusal(data).empty());
  const TokenizerData good = data;

  CHECK(says(TokenizerData{}, "0 pieces"));
  data.pieces[65] = "";
  CHECK(says(data, "id 65"));
  data = good;
  data.pieces[66] = data.pieces[65];
  CHECK(says(data, "ids 65 and 66"));
  data = good;
  data.types.pop_back();
  CHECK(says(data, "a type for each"));
  data = good;
  data.scores = {1, 2};
  CHECK(says(data, "a score for each"));
  data = good;
  data.merges.emplace_back("q", "not there");
  CHECK(says(data, "merge 1 needs \"not there\""));
  data = good;
  data.bos = 257;
  CHECK(says(data, "begin-of-text"));
  data = good;
  data.end_of_turn = {-1};
  CHECK(says(data, "end-of-turn"));
  data = good;
  data.add_bos = true;
  CHECK(says(data, "none is named"));
  data = good;
  data = good;
  data.split_patterns = {"[\n"};
  INFO(refusal(data));
  CHECK(says(data, "not understood"));

  data = abc();
  REQUIRE(refusal(data).empty());
  data.types[3 + 10] = PieceType::normal;
  CHECK(says(data, "255"));
  data = abc();
  data.pieces[3 + 10] = "<0x0B>";
  CHECK(says(data, "id 14"));
  data = abc();
  data.scores[260] = std::numeric_limits<float>::quiet_NaN();
  CHECK(says(data, "NaN"));
  data = abc();
  data.pieces[260] = std::string(5000, 'a');
  CHECK(says(data, "1024"));
}
