#include "chapters/01_tokens/bpe_training.h"

#include "chapters/01_tokens/tokenizer.h"
#include "tests/catch.h"

using namespace rung;

namespace {

std::vector<std::string> spelled(const std::vector<LearntMerge>& merges) {
  std::vector<std::string> lines;
  for (const auto& [left, right, count] : merges)
    lines.push_back(left + "+" + right + " " + std::to_string(count));
  return lines;
}

std::vector<std::string> pieces(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<std::string> texts;
  for (const std::int32_t id : tokenizer.encode(text)) texts.push_back(tokenizer.piece(id));
  return texts;
}

const std::string text = "the lower the water, the slower the river; the lowest river is the slowest";

}  // namespace

TEST_CASE("Training merges the most frequent pair, of equals the first by its bytes") {
  const WordCounts words = {
      {{"l", "o", "w"}, 1}, {{"l", "o", "w", "e", "r"}, 1}, {{"l", "o", "w", "e", "s", "t"}, 1}};
  CHECK(spelled(learn_merges(words, 10)) == std::vector<std::string>{"l+o 3", "lo+w 3", "low+e 2"});
  CHECK(spelled(learn_merges(words, 1)) == std::vector<std::string>{"l+o 3"});
  CHECK(learn_merges({}, 10).empty());
}

// The dictionary of Sennrich et al. 2016, figure 1.
TEST_CASE("Training counts a word as often as it occurs") {
  const WordCounts words = {{{"l", "o", "w", "_"}, 5},
                            {{"l", "o", "w", "e", "r", "_"}, 2},
                            {{"n", "e", "w", "e", "s", "t", "_"}, 6},
                            {{"w", "i", "d", "e", "s", "t", "_"}, 3}};
  CHECK(spelled(learn_merges(words, 4)) == std::vector<std::string>{"e+s 9", "es+t 9", "est+_ 9", "l+o 7"});
}

TEST_CASE("Training: of a run of three the first two are merged, and words that become alike are one") {
  CHECK(spelled(learn_merges({{{"a", "a", "a"}, 2}}, 3)) == std::vector<std::string>{"a+a 4", "aa+a 2"});
  const WordCounts alike = {{{"a", "b", "c"}, 2}, {{"ab", "c"}, 1}};
  CHECK(spelled(learn_merges(alike, 3)) == std::vector<std::string>{"a+b 2", "ab+c 3"});
}

TEST_CASE("What training has seen often is one token: bytes") {
  const Tokenizer tokenizer(byte_level_tokenizer(learn_merges(byte_words(text), 100)));
  CHECK(pieces(tokenizer, " the") == std::vector<std::string>{"\xC4\xA0the"});
  CHECK(pieces(tokenizer, " lowest") == std::vector<std::string>{"\xC4\xA0", "lowest"});
  for (const std::string& any : {text, std::string("na\xC3\xAFve \xF0\x9F\x98\x80\n")})
    CHECK(tokenizer.decode(tokenizer.encode(any)) == any);
}

TEST_CASE("What training has seen often is one token: SentencePiece's way, with bytes for the rest") {
  const WordCounts words = character_words(text);
  const Tokenizer tokenizer(sentencepiece_tokenizer(words, learn_merges(words, 100)));
  CHECK(pieces(tokenizer, "the") == std::vector<std::string>{"\xE2\x96\x81the"});
  CHECK(pieces(tokenizer, "the \xC3\xA9") ==
        std::vector<std::string>{"\xE2\x96\x81the", "\xE2\x96\x81", "<0xC3>", "<0xA9>"});
  for (const std::string& any : {text, std::string("na\xC3\xAFve \xF0\x9F\x98\x80\n")})
    CHECK(tokenizer.decode(tokenizer.encode(any)) == any);
}
