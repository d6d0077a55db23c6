#include "chapters/01_tokens/bpe.h"

#include <array>
#include <ctime>

#include "chapters/01_tokens/pre_tokenizer.h"
#include "core/checkpoint/split_patterns.h"
#include "core/error.h"
#include "tests/catch.h"

using namespace rung;
using Ids = std::vector<std::int32_t>;

namespace {

std::vector<std::string> words(const std::string& pre, const std::string& text) {
  std::vector<std::string> found;
  PreTokenizer(split_patterns(pre)).split(text, [&](std::string_view word) { found.emplace_back(word); });
  return found;
}

// The definition, word by word: look at all pairs, merge the best, begin again.
Ids merge_slowly(Ids word, const std::vector<std::array<std::int32_t, 3>>& merges) {
  for (;;) {
    std::size_t best = merges.size(), at = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i)
      for (std::size_t rank = 0; rank < best; ++rank)
        if (merges[rank][0] == word[i] && merges[rank][1] == word[i + 1]) {
          best = rank;
          at = i;
        }
    if (best == merges.size()) return word;
    word[at] = merges[best][2];
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

}  // namespace

TEST_CASE("BPE: the best rank goes first, the leftmost of equals") {
  MergeTable table;
  table.add(1, 2, 0, 10);   // "ab"
  table.add(2, 3, 1, 11);   // "bc"
  table.add(10, 3, 2, 12);  // "ab c"
  table.add(1, 1, 3, 13);   // "aa"
  CHECK(table.merge({}) == Ids{});
  CHECK(table.merge({3}) == Ids{3});
  CHECK(table.merge({1, 2, 3}) == Ids{12});
  CHECK(table.merge({2, 3}) == Ids{11});
  CHECK(table.merge({1, 1, 1}) == Ids{13, 1});
  CHECK(table.merge({1, -1, 2}) == Ids{1, -1, 2});
}

TEST_CASE("BPE: the queue finds what the definition finds, on random words") {
  std::uint32_t state = 1;
  const auto draw = [&](std::uint32_t n) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::int32_t>((state >> 16) % n);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::array<std::int32_t, 3>> merges;
    MergeTable table;
    for (std::int32_t rank = 0; rank < 12; ++rank) {
      const std::array<std::int32_t, 3> merge = {draw(3 + rank), draw(3 + rank), 3 + rank};
      merges.push_back(merge);
      table.add(merge[0], merge[1], rank, merge[2]);
    }
    Ids word;
    for (std::int32_t i = draw(24); i >= 0; --i) word.push_back(draw(3));
    CHECK(table.merge(word) == merge_slowly(word, merges));
  }
}

TEST_CASE("BPE: a very long word takes a moment, not n² steps") {
  MergeTable table;
  std::int32_t last = 0;
  for (std::int32_t rank = 0; rank < 16; ++rank, ++last) table.add(last, last, rank, last + 1);
  const std::clock_t start = std::clock();  // this process's own time: other programs may be busy
  const Ids merged = table.merge(Ids(1 << 18, 0));
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CHECK(merged == Ids(4, 16));
  CHECK(seconds < 20);  // n² steps would take minutes, and the sanitizers get their share
}

TEST_CASE("Pre-tokenizers cut where their models were trained to") {
  using Words = std::vector<std::string>;
  CHECK(words("gpt-2", "I'll see 2024  times\n") == Words{"I", "'ll", " see", " 2024", " ", " times", "\n"});
  CHECK(words("smollm", "x 2024.") == Words{"x", " ", "2", "0", "2", "4", "."});
  CHECK(words("llama-bpe", "I'LL see 2024!\n\n ok") ==
        Words{"I", "'LL", " see", " ", "202", "4", "!\n\n", " ok"});
  CHECK(words("gpt-2", "").empty());
}

TEST_CASE("Pre-tokenizers: U+180E is no space, though PCRE2 calls it one") {
  CHECK(words("gpt-2", "\xE1\xA0\x8E!") == std::vector<std::string>{"\xE1\xA0\x8E!"});
}

TEST_CASE("Pre-tokenizers: a name or a pattern that is not understood is refused") {
  CHECK_THROWS_AS(split_patterns("default"), Error);
  CHECK_THROWS_AS(split_patterns(""), Error);
  CHECK_THROWS_AS(PreTokenizer({"(unclosed"}), Error);
}

TEST_CASE("Pre-tokenizers: a pattern that never comes to an end is stopped") {
  const PreTokenizer evil({"(?:a+)+[bd]"});
  CHECK_THROWS_AS(evil.split(std::string(64, 'a') + "c", [](std::string_view) {}), Error);
}

TEST_CASE("Pre-tokenizers: a megabyte of one kind does not exhaust the stack") {
  for (const std::string pre : {"gpt-2", "smollm", "llama-bpe"})
    for (const std::string unit : {"a", " ", "\n", "!", " \n", "\xC3\xA9"}) {
      std::string text;
      while (text.size() < 1000000) text += unit;
      std::size_t bytes = 0;
      PreTokenizer(split_patterns(pre)).split(text, [&](std::string_view word) { bytes += word.size(); });
      CHECK(bytes == text.size());
    }
}
