#include <functional>
#include <limits>

#include <fmt/format.h>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;

namespace {

/// Opens the changed tiny model, which must always work, and hands its checkpoint on.
template <typename Use>
auto with_checkpoint(const std::function<void(GgufFile&)>& change, const Use& use) {
  GgufFile file = to_gguf(TinyModel());
  change(file);
  const TemporaryDirectory directory;
  write_file(directory.path() / "tiny.gguf", file.bytes());
  return use(Checkpoint::open(directory.path() / "tiny.gguf"));
}

TokenizerData tokenizer_of(const std::function<void(GgufFile&)>& change) {
  return with_checkpoint(change, [](const Checkpoint& checkpoint) { return checkpoint.tokenizer(); });
}

void check_refused(const std::function<void(GgufFile&)>& change,
                   std::initializer_list<std::string_view> parts) {
  const std::string text = with_checkpoint(change, [](const Checkpoint& checkpoint) -> std::string {
    try {
      checkpoint.tokenizer();
      return "no error";
    } catch (const Error& error) {
      return error.what();
    }
  });
  INFO(text);
  CHECK(one_line_with(text, {"tiny.gguf: "}));
  CHECK(one_line_with(text, parts));
}

std::vector<std::string> numbered_pieces() {
  std::vector<std::string> pieces;
  for (int i = 0; i < 32; ++i) pieces.push_back(fmt::format("p{}", i));
  return pieces;
}

void make_sentencepiece(GgufFile& file) {
  file.set("tokenizer.ggml.model", "llama");
  file.set("tokenizer.ggml.scores", std::vector<float>(32, -1.0f));
  file.remove("tokenizer.ggml.merges");
  file.remove("tokenizer.ggml.pre");
  file.remove("tokenizer.ggml.add_bos_token");
}

}  // namespace

TEST_CASE("a byte-level tokenizer is read from GGUF metadata") {
  const TokenizerData t = tokenizer_of([](GgufFile&) {});
  CHECK(t.kind == TokenizerKind::byte_level);
  REQUIRE(t.pieces.size() == 32);
  CHECK(t.pieces[7] == "abc");
  CHECK(t.types[0] == PieceType::control);
  CHECK(t.types[3] == PieceType::normal);
  REQUIRE(t.merges.size() == 2);
  CHECK(t.merges[1] == std::pair<std::string, std::string>("ab", "c"));
  CHECK_FALSE(t.split_patterns.empty());
  CHECK_FALSE(t.ignore_merges);
  CHECK_FALSE(t.add_bos);
  CHECK(t.bos == 1);
  CHECK(t.eos == 0);
  CHECK(t.unk == std::nullopt);
  CHECK(t.end_of_turn == std::vector<std::int32_t>{0, 2});  // eos, and <|im_end|> by its name
  CHECK(t.chat_template == "{{ messages }}");
}

TEST_CASE("a SentencePiece tokenizer is read from GGUF metadata") {
  const TokenizerData t = tokenizer_of(make_sentencepiece);
  CHECK(t.kind == TokenizerKind::sentencepiece);
  CHECK(t.scores.size() == 32);
  CHECK(t.dummy_prefix == DummyPrefix::texts);
  CHECK(t.add_bos);
  CHECK(t.split_patterns.empty());
  const TokenizerData without = tokenizer_of([](GgufFile& file) {
    make_sentencepiece(file);
    file.set("tokenizer.ggml.add_space_prefix", false);
    file.set("tokenizer.ggml.add_bos_token", false);
  });
  CHECK(without.dummy_prefix == DummyPrefix::none);
  CHECK_FALSE(without.add_bos);
}

TEST_CASE(
    "a SentencePiece tokenizer without types or ids: bytes by their spelling, the ids that llama.cpp takes") {
  const auto bare = [](GgufFile& file) {
    make_sentencepiece(file);
    std::vector<std::string> pieces = numbered_pieces();
    pieces[3] = "<0x0A>";
    file.set("tokenizer.ggml.tokens", pieces);
    for (const char* key : {"token_type", "bos_token_id", "eos_token_id", "unknown_token_id"})
      file.remove(fmt::format("tokenizer.ggml.{}", key));
  };
  const TokenizerData t = tokenizer_of(bare);
  CHECK(t.bos == 1);
  CHECK(t.eos == 2);
  CHECK(t.unk == 0);
  CHECK(t.types[0] == PieceType::unknown);
  CHECK(t.types[1] == PieceType::control);
  CHECK(t.types[2] == PieceType::control);
  CHECK(t.types[3] == PieceType::byte);
  CHECK(t.types[4] == PieceType::normal);
  // A file with types says itself whether there is such a token.
  check_refused(
      [&](GgufFile& file) {
        bare(file);
        file.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(32, 1));
      },
      {"bos_token_id is missing"});
}

TEST_CASE("markers of turns are control tokens, whatever a GGUF file calls them") {
  const TokenizerData t = tokenizer_of([](GgufFile& file) {
    auto pieces = numbered_pieces();
    pieces[5] = "<|im_start|>";
    pieces[6] = "<|im_end|>";
    pieces[7] = "<tool>";
    std::vector<std::int32_t> types(32, 1);
    types[5] = types[6] = types[7] = 4;
    file.set("tokenizer.ggml.tokens", pieces);
    file.set("tokenizer.ggml.token_type", types);
  });
  CHECK(t.types[5] == PieceType::control);
  CHECK(t.types[6] == PieceType::control);
  CHECK(t.types[7] == PieceType::user_defined);
  CHECK(t.end_of_turn == std::vector<std::int32_t>{0, 6});
}

TEST_CASE(
    "a byte-level GGUF tokenizer leaves out what it lacks, whatever its unknown-token, as llama.cpp does") {
  CHECK(tokenizer_of([](GgufFile& f) { f.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0}); }).unk ==
        std::nullopt);
}

TEST_CASE("Llama 3's pre-tokenizer takes whole pieces and adds a BOS") {
  const TokenizerData t = tokenizer_of([](GgufFile& file) {
    file.set("tokenizer.ggml.pre", "llama-bpe");
    file.remove("tokenizer.ggml.add_bos_token");
  });
  CHECK(t.ignore_merges);
  CHECK(t.add_bos);
}

TEST_CASE("a checkpoint without tokenizer says so when asked") {
  const auto remove_all = [](GgufFile& file) {
    for (const char* key : {"model", "tokens", "token_type", "merges", "pre"}) {
      file.remove(fmt::format("tokenizer.ggml.{}", key));
    }
  };
  CHECK_FALSE(with_checkpoint(remove_all, [](const Checkpoint& c) { return c.has_tokenizer(); }));
  check_refused(remove_all, {"has no tokenizer"});
  check_refused([&](GgufFile& f) { remove_all(f), f.set("tokenizer.ggml.model", "no_vocab"); },
                {"has no tokenizer"});
  CHECK(with_checkpoint([](GgufFile&) {}, [](const Checkpoint& c) { return c.has_tokenizer(); }));
}

TEST_CASE("a tokenizer with holes is refused, and the model opens all the same") {
  check_refused([](GgufFile& f) { f.remove("tokenizer.ggml.tokens"); },
                {"tokenizer.ggml.tokens", "0 tokens"});
  check_refused([](GgufFile& f) { f.remove("tokenizer.ggml.model"); }, {"tokenizer.ggml.model"});
  check_refused([](GgufFile& f) { f.remove("tokenizer.ggml.pre"); }, {"tokenizer.ggml.pre"});
  check_refused([](GgufFile& f) { f.remove("tokenizer.ggml.merges"); }, {"tokenizer.ggml.merges", "missing"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.model", "bert"); },
                {"tokenizer.ggml.model", "\"bert\""});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.pre", "klingon"); }, {"klingon"});
  check_refused(
      [](GgufFile& f) {
        f.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"});
      },
      {"2 tokens, but the embedding has 32 rows"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(31, 1)); },
                {"31 types for 32 tokens"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(32, 9)); },
                {"9 of token 0"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.scores", std::vector<float>(33)); }, {"33 scores"});
  check_refused(
      [](GgufFile& f) {
        f.set("tokenizer.ggml.scores", std::vector<float>(32, std::numeric_limits<float>::quiet_NaN()));
      },
      {"score of token 0"});
  check_refused(
      [](GgufFile& f) {
        auto pieces = numbered_pieces();
        pieces[9] = "";
        f.set("tokenizer.ggml.tokens", pieces);
      },
      {"token 9 is empty"});
  check_refused(
      [](GgufFile& f) {
        auto pieces = numbered_pieces();
        pieces[9] = "p4";
        f.set("tokenizer.ggml.tokens", pieces);
      },
      {"tokens 4 and 9 are both \"p4\""});
  for (const char* merge : {"ab", "a ", "", " "}) {
    check_refused(
        [merge](GgufFile& f) {
          f.set("tokenizer.ggml.merges", std::vector<std::string>{"a b", merge});
        },
        {"merge 1", "is not two pieces"});
  }
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                          "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.eot_token_id"}) {
    check_refused([key](GgufFile& f) { f.set(key, std::uint32_t{32}); }, {key, "32 is not the id"});
  }
  check_refused(
      [](GgufFile& f) {
        f.remove("tokenizer.ggml.bos_token_id");
        f.set("tokenizer.ggml.add_bos_token", true);
      },
      {"bos_token_id is missing"});
  check_refused([](GgufFile& f) { make_sentencepiece(f), f.remove("tokenizer.ggml.scores"); },
                {"scores is missing"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.tokens", "a"); }, {"tokenizer.ggml.tokens", "array"});
  check_refused([](GgufFile& f) { f.set("tokenizer.ggml.model", std::uint32_t{1}); },
                {"tokenizer.ggml.model"});
}
