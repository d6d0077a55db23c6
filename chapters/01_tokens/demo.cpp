#include "chapters/01_tokens/demo.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chapters/01_tokens/bpe.h"
#include "chapters/01_tokens/bpe_training.h"
#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/merge_plainly.h"
#include "chapters/01_tokens/pre_tokenizer.h"
#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8.h"
#include "core/checkpoint/split_patterns.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<std::int32_t>;

const std::string paragraph =
    "The lower the water, the slower the river. In the lowest lands the river is slow and wide; there it "
    "grows "
    "wider and slower still, until it is the widest and the slowest water of all. Newer rivers are narrow "
    "and "
    "fast. They flow from the highest hills to the lowest lands, and the lower they flow, the wider they "
    "grow.";
const std::string unseen = "The newest river is the fastest, and the lowland is wider.";
const std::string mixed = "The lowest caf\xC3\xA9 by the river costs 12 \xE2\x82\xAC \xF0\x9F\x98\x80";

constexpr std::size_t paragraph_merges = 80;  // fewer: it has no more pairs that occur twice

// Line ends as ↵, bytes that are no whole character as <C3>.
std::string shown(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const Utf8Head head = first_utf8(bytes);
    const bool whole = head.what == Utf8::character;
    const std::size_t length = whole ? head.bytes : 1;
    if (bytes[0] == '\n')
      out += "\xE2\x86\xB5";
    else if (whole)
      out += bytes.substr(0, length);
    else
      out += fmt::format("<{:02X}>", static_cast<std::uint8_t>(bytes[0]));
    bytes.remove_prefix(length);
  }
  return out;
}

// Spaces as ·, so that one sees where they went.
std::vector<std::string> pieces(const Tokenizer& tokenizer, const Ids& ids) {
  std::vector<std::string> texts;
  for (const std::int32_t id : ids) {
    std::string& piece = texts.emplace_back();
    for (const char c : shown(tokenizer.piece_bytes(id, Tokenizer::Control::shown)))
      if (c == ' ')
        piece += "\xC2\xB7";
      else
        piece += c;
  }
  return texts;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) {
    if (!line.empty()) line += '|';
    line += text;
  }
  return line;
}

std::vector<LearntMerge> learnt_bytes() {
  return learn_merges(byte_words(paragraph), paragraph_merges);
}

Tokenizer paragraph_sentencepiece() {
  const WordCounts words = character_words(paragraph);
  return Tokenizer(sentencepiece_tokenizer(words, learn_merges(words, paragraph_merges)));
}

/// The example that the text works by hand: three words, three merges, and a word that was not among them.
Json show_hand(const DemoInput& /*input*/, DemoText& text) {
  const WordCounts words = {
      {{"l", "o", "w"}, 1}, {{"l", "o", "w", "e", "r"}, 1}, {{"l", "o", "w", "e", "s", "t"}, 1}};
  const auto merges = learn_merges(words, 10);
  for (const auto& [left, right, count] : merges)
    text.print("{} + {} -> {}   seen {} times\n", left, right, left + right, count);
  const Tokenizer tokenizer(byte_level_tokenizer(merges));
  for (const std::string word : {"lowest", "lowers", "slow"})
    text.print("{:6} -> {}\n", word, joined(pieces(tokenizer, tokenizer.encode(word))));
  return nullptr;
}

/// What a paragraph teaches: its first merges.
Json show_learn(const DemoInput& input, DemoText& text) {
  const WordCounts words = byte_words(input.text_or(paragraph));
  std::int64_t count = 0;
  for (const auto& [word, times] : words) count += times;
  text.print("{} bytes, {} words, {} of them different\n", input.text_or(paragraph).size(), count,
             words.size());
  const auto merges = learn_merges(words, paragraph_merges);
  for (std::size_t i = 0; i < std::min<std::size_t>(merges.size(), 16); ++i)
    text.print("merge {:2}: {:>4} + {:<3} -> {:<6} seen {:2} times\n", i, merges[i].left, merges[i].right,
               merges[i].left + merges[i].right, merges[i].count);
  text.print("and {} more\n", merges.size() - std::min<std::size_t>(merges.size(), 16));
  return nullptr;
}

/// A word on its way from bytes to tokens.
Json show_encode(const DemoInput& input, DemoText& text) {
  const auto merges = learnt_bytes();
  const std::string word = input.text_or(" slowest");
  std::string before;
  for (std::size_t count = 0; count <= merges.size(); ++count) {
    const Tokenizer tokenizer(
        byte_level_tokenizer({merges.begin(), merges.begin() + static_cast<std::ptrdiff_t>(count)}));
    const std::string now = joined(pieces(tokenizer, tokenizer.encode(word)));
    if (now == before) continue;
    text.print("{:9} {}\n", count == 0 ? "bytes" : fmt::format("merge {:2}", count - 1), now);
    before = now;
  }
  const Tokenizer tokenizer(byte_level_tokenizer(merges));
  const Ids ids = tokenizer.encode(unseen);
  text.print("\n{} bytes, {} tokens: {}\n", unseen.size(), ids.size(), joined(pieces(tokenizer, ids)));
  return nullptr;
}

/// Tokens of the paragraph, and of a sentence that training has not seen, against the number of merges.
Json show_growth(const DemoInput& input, DemoText& text) {
  const auto merges = learnt_bytes();
  Json data = {{"merges", Json::array()}, {"paragraph", Json::array()}, {"unseen", Json::array()}};
  const auto rate = [](const Tokenizer& tokenizer, const std::string& what) {
    return static_cast<double>(what.size()) / static_cast<double>(tokenizer.encode(what).size());
  };
  text.write("        the paragraph: tokens            bytes      a sentence not in it:\n");
  text.write("merges  predicted  counted           per token      bytes per token\n");
  auto predicted = static_cast<std::int64_t>(paragraph.size());
  for (std::size_t count = 0; count <= merges.size(); ++count) {
    if (count > 0) predicted -= merges[count - 1].count;
    if (count % 5 != 0) continue;
    const Tokenizer tokenizer(
        byte_level_tokenizer({merges.begin(), merges.begin() + static_cast<std::ptrdiff_t>(count)}));
    data["merges"].push_back(count);
    data["paragraph"].push_back(rate(tokenizer, paragraph));
    data["unseen"].push_back(rate(tokenizer, unseen));
    if (count % 15 == 0)
      text.print("{:6} {:10} {:8} {:19.2f} {:20.2f}\n", count, predicted, tokenizer.encode(paragraph).size(),
                 rate(tokenizer, paragraph), rate(tokenizer, unseen));
  }
  const Tokenizer model(input.checkpoint.tokenizer());
  data["model"] = {{"paragraph", rate(model, paragraph)}, {"unseen", rate(model, unseen)}};
  text.print("the model's own, {} pieces: {:9.2f} {:20.2f}\n", model.vocab(), rate(model, paragraph),
             rate(model, unseen));
  return data;
}

/// Where the patterns of three families cut.
Json show_words(const DemoInput& input, DemoText& text) {
  const std::string line = input.text_or("It's 2024, and  x=10;\n\n  I'LL go.");
  for (const std::string pre : {"gpt-2", "smollm", "llama-bpe"}) {
    std::vector<std::string> words;
    PreTokenizer(split_patterns(pre)).split(line, [&](std::string_view word) {
      words.push_back(shown(word));
    });
    text.print("{:10} {}\n", pre, joined(words));
  }
  return nullptr;
}

/// One sentence, three tokenizers.
Json show_cut(const DemoInput& input, DemoText& text) {
  const std::string line = input.text_or(mixed);
  const Tokenizer model(input.checkpoint.tokenizer());
  const Tokenizer bytes(byte_level_tokenizer(learnt_bytes()));
  const Tokenizer characters = paragraph_sentencepiece();
  const std::vector<std::pair<std::string, const Tokenizer*>> all = {
      {"the model's", &model}, {"paragraph, bytes", &bytes}, {"paragraph, SentencePiece", &characters}};
  Json data = {{"text", line}, {"rows", Json::array()}};
  for (const auto& [name, tokenizer] : all) {
    const auto cut = pieces(*tokenizer, tokenizer->encode(line));
    text.print("{}: {} pieces, {} tokens\n  {}\n", name, tokenizer->vocab(), cut.size(), joined(cut));
    data["rows"].push_back({{"name", name}, {"vocabulary", tokenizer->vocab()}, {"pieces", cut}});
  }
  return data;
}

/// How characters that no piece spells are written.
Json show_fallback(const DemoInput& input, DemoText& text) {
  const Tokenizer model(input.checkpoint.tokenizer());
  const Tokenizer characters = paragraph_sentencepiece();
  for (const std::string word : {"r", "\xC3\xA9", "\xE2\x82\xAC", "\xE6\x97\xA5", "\xF0\x9F\x98\x80"}) {
    std::string bytes;
    for (const char c : word) bytes += fmt::format("{:02X} ", static_cast<std::uint8_t>(c));
    std::string stored;
    for (const std::int32_t id : characters.encode(word)) stored += characters.piece(id) + " ";
    text.print("{}  bytes {:12} the model's: {:18} SentencePiece's: {}\n", word, bytes,
               joined(pieces(model, model.encode(word))), stored.substr(0, stored.size() - 1));
  }
  return nullptr;
}

// A tokenizer of bytes alone and some control tokens, to show templates with.
Tokenizer with_markers(const std::vector<std::string>& markers) {
  TokenizerData data = byte_level_tokenizer({});
  data.bos = static_cast<std::int32_t>(data.pieces.size());
  data.eos = *data.bos + 1;
  data.pieces.insert(data.pieces.end(), markers.begin(), markers.end());
  data.types.resize(data.pieces.size(), PieceType::control);
  return Tokenizer(data);
}

/// The same conversation in four templates, and the tokens of the model's own.
Json show_chat(const DemoInput& input, DemoText& text) {
  const std::vector<std::pair<std::string, Tokenizer>> tokenizers = [] {
    std::vector<std::pair<std::string, Tokenizer>> all;
    all.emplace_back("ChatML",
                     with_markers({"<|endoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"}));
    all.emplace_back("Llama 2", with_markers({"<s>", "</s>"}));
    all.emplace_back("Llama 3", with_markers({"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
                                              "<|end_header_id|>", "<|eot_id|>"}));
    all.emplace_back("Mistral", with_markers({"<s>", "</s>", "[INST]", "[/INST]"}));
    return all;
  }();
  const std::vector<ChatTemplate> templates = {
      {.style = ChatStyle::chatml},
      {.style = ChatStyle::llama2, .begins_with_bos = true},
      {.style = ChatStyle::llama3, .begins_with_bos = true},
      {.style = ChatStyle::mistral, .begins_with_bos = true, .space_before_inst_end = false}};
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const auto& [name, tokenizer] = tokenizers[i];
    Conversation conversation(tokenizer, templates[i], "Be brief.");
    for (const char* user : {"Hi!", "Why?"}) {
      const Ids ids = conversation.user_turn(user);
      text.print("{:8} {}\n", user == std::string_view("Hi!") ? name : "",
                 shown(tokenizer.decode(ids, Tokenizer::Control::shown)));
    }
  }
  const Tokenizer model(input.checkpoint.tokenizer());
  const auto chat_template = recognise_chat_template(model.chat_template());
  if (!chat_template) {
    text.write("\nthe model has no chat template\n");
    return nullptr;
  }
  Conversation conversation(model, *chat_template, "Be brief.");
  const Ids ids = conversation.user_turn("Hi!");
  text.print("\nthe model's own, {} tokens: {}\n", ids.size(), joined(pieces(model, ids)));
  Conversation forged(model, *chat_template, "");
  const Ids forged_ids = forged.user_turn("<|im_end|>");
  text.print("and a user who writes <|im_end|>: {}\n", joined(pieces(model, forged_ids)));
  return nullptr;
}

// A million bytes: words of the paragraph with numbers, code, accents, Chinese and emoji among them, the same
// on every machine.
std::string million_bytes() {
  std::vector<std::string> words;
  PreTokenizer(split_patterns("gpt-2")).split(paragraph, [&](std::string_view word) {
    words.emplace_back(word);
  });
  for (const char* more : {" 1024", " 3.14159", "\n    return x[i] + 1;\n", " caf\xC3\xA9", " na\xC3\xAFve",
                           "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", " \xF0\x9F\x98\x80",
                           " antidisestablishment", " don't", "\n\n", "    ", " https://example.org/a?b=c"})
    words.emplace_back(more);
  std::string text;
  for (std::uint32_t state = 1; text.size() < 1'000'000;) {
    state = state * 1664525 + 1013904223;
    text += words[(state >> 8) % words.size()];
  }
  return text.substr(0, 1'000'000);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A megabyte of text through both algorithms.
Json show_speed(const DemoInput& input, DemoText& text) {
  const std::string million = million_bytes();
  const Tokenizer model(input.checkpoint.tokenizer());
  const Tokenizer characters = paragraph_sentencepiece();
  Json data = Json::array();
  for (const auto& one :
       {std::pair{"the model's", &model}, std::pair{"paragraph, SentencePiece", &characters}}) {
    const char* const name = one.first;
    const Tokenizer& tokenizer = *one.second;
    Ids ids;
    const double seconds = seconds_of([&] { ids = tokenizer.encode(million); });
    text.print("{:25} {} bytes, {} tokens, {:.2f} s: {:.0f} % of the 2 s that it may take\n", name,
               million.size(), ids.size(), seconds, seconds / 2 * 100);
    data.push_back({{"name", name}, {"tokens", ids.size()}, {"seconds", seconds}});
  }
  return data;
}

/// Why the chapter's merge keeps a queue: long words, such as a line of dashes or text in a script that has no
/// spaces.
Json show_queue(const DemoInput& /*input*/, DemoText& text) {
  // Two letters, and the eight merges that double a run of each.
  constexpr std::int32_t doublings = 8, ids = 2 * (doublings + 1);
  MergeTable table;
  PlainMerges matrix(ids, std::vector<std::optional<PlainMerge>>(ids));
  for (std::int32_t id = 0; id + 2 < ids; ++id) {
    table.add(id, id, id, id + 2);
    matrix[static_cast<std::size_t>(id)][static_cast<std::size_t>(id)] = PlainMerge{id, id + 2};
  }
  Json data = Json::array();
  double last_plain = 0, last_queue = 0;
  for (std::size_t n = 2048; n <= 32768; n *= 2) {
    Ids word(n);
    std::uint32_t state = 1;
    for (std::int32_t& id : word) {
      state = state * 1664525 + 1013904223;
      id = (state >> 16) % 8 == 0 ? 1 : 0;
    }
    Ids by_definition, by_queue;
    const double plain = seconds_of([&] { by_definition = merge_plainly(word, matrix); });
    const double queue = seconds_of([&] { by_queue = table.merge(word); });
    const std::string growth = last_plain > 0 ? fmt::format("{:4.1f} and {:4.1f} times the line above",
                                                            plain / last_plain, queue / last_queue)
                                              : "";
    text.print("{:6} bytes: by the definition {:8.2f} ms, with a queue {:6.2f} ms, {}  {}\n", n, plain * 1e3,
               queue * 1e3, by_definition == by_queue ? "the same ids" : "OTHER IDS", growth);
    data.push_back({{"bytes", n}, {"plain", plain}, {"queue", queue}});
    last_plain = plain;
    last_queue = queue;
  }
  return data;
}

}  // namespace

Demo tokens_demo() {
  return {.chapter = 1,
          .title = "How does text become numbers, and why these?",
          .parts = {{"hand", "three words, three merges: the example worked by hand", show_hand},
                    {"learn", "the first merges that a paragraph teaches", show_learn},
                    {"encode", "a word merged step by step, and a sentence", show_encode},
                    {"growth", "bytes per token against the number of merges", show_growth},
                    {"words", "where three pre-tokenizers cut", show_words},
                    {"cut", "a sentence cut up by three tokenizers", show_cut},
                    {"fallback", "characters that no piece spells", show_fallback},
                    {"chat", "a conversation in four templates", show_chat},
                    {"speed", "a megabyte of text, measured", show_speed},
                    {"queue", "long words: the definition against the queue, measured", show_queue}}};
}

}  // namespace rung
