#include <functional>
#include <limits>

#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung::support;

namespace {

using Change = std::function<void(GgufFile&)>;

/// What is said about the tiny model after `change`; always one line that names the file, else "".
std::string refusal(const Change& change) {
  GgufFile file = to_gguf(TinyModel());
  change(file);
  const TemporaryDirectory directory;
  write_file(directory.path() / "tiny.gguf", file.bytes());
  const std::string text = complaint(directory.path() / "tiny.gguf");
  return one_line_with(text, {"tiny.gguf: "}) ? text : "not one line naming the file: " + text;
}

void check_refused(const Change& change, std::initializer_list<std::string_view> parts) {
  const std::string text = refusal(change);
  INFO(text);
  CHECK(one_line_with(text, parts));
  CHECK(text.find("not one line") == std::string::npos);
}

Bytes uint64_value(std::uint64_t value) {
  Bytes bytes;
  append(bytes, std::uint32_t{10});
  append(bytes, value);
  return bytes;
}

}  // namespace

TEST_CASE("GGUF: the unchanged file is fine") {
  GgufFile file = to_gguf(TinyModel());
  const TemporaryDirectory directory;
  write_file(directory.path() / "tiny.gguf", file.bytes());
  CHECK(complaint(directory.path() / "tiny.gguf") == "");
}

TEST_CASE("GGUF: damaged headers are refused") {
  check_refused([](GgufFile& f) { f.magic = "GGML"; }, {"is not a GGUF file"});
  check_refused([](GgufFile& f) { f.version = 1; }, {"GGUF version 1 is not supported"});
  check_refused([](GgufFile& f) { f.version = 0x03000000; }, {"big-endian"});
  check_refused([](GgufFile& f) { f.tensor_count = std::uint64_t{1} << 32; }, {"claims 4294967296 tensors"});
  check_refused([](GgufFile& f) { f.entry_count = std::uint64_t{1} << 32; },
                {"claims 4294967296 metadata entries"});
  check_refused([](GgufFile& f) { f.tensor_count = std::numeric_limits<std::uint64_t>::max(); }, {"tensors"});
  check_refused([](GgufFile& f) { f.set("general.alignment", std::uint32_t{0}); },
                {"general.alignment", "found 0"});
  check_refused([](GgufFile& f) { f.set("general.alignment", std::uint32_t{48}); },
                {"general.alignment", "found 48"});
  check_refused([](GgufFile& f) { f.set("general.alignment", "32"); }, {"general.alignment", "found string"});
}

TEST_CASE("GGUF: damaged metadata are refused") {
  check_refused([](GgufFile& f) { f.metadata.push_back(f.metadata[1]); },
                {"metadata llama.block_count", "twice"});
  check_refused(
      [](GgufFile& f) {
        Bytes value;
        append(value, std::uint32_t{13});
        f.set_raw("x", value);
      },
      {"metadata x", "13 is not a type"});
  check_refused(
      [](GgufFile& f) {
        Bytes value;
        for (const std::uint32_t number : {9u, 9u}) append(value, number);
        f.set_raw("x", value);
      },
      {"metadata x", "arrays of arrays"});
  check_refused(
      [](GgufFile& f) {
        Bytes value;
        for (const std::uint32_t number : {9u, 5u}) append(value, number);
        append(value, std::uint64_t{1} << 62);  // times 4 bytes is 0 in 64 bits
        f.set_raw("x", value);
      },
      {"metadata x", "4611686018427387904"});
  check_refused(
      [](GgufFile& f) {
        Bytes value;
        append(value, std::uint32_t{8});
        append(value, std::numeric_limits<std::uint64_t>::max());
        f.set_raw("x\n", value);
      },
      {"metadata x\\x0a", "ends inside"});
  check_refused([](GgufFile& f) { f.set("llama.block_count", "two"); },
                {"llama.block_count", "found string"});
  check_refused([](GgufFile& f) { f.set("llama.block_count", 2.0f); },
                {"llama.block_count", "found float32"});
  check_refused([](GgufFile& f) { f.set_raw("llama.block_count", uint64_value(~std::uint64_t{0})); },
                {"llama.block_count", "below 2^63"});
  check_refused(
      [](GgufFile& f) {
        f.set("llama.attention.head_count", std::vector<std::int32_t>{4, 4});
      },
      {"llama.attention.head_count", "single value"});
}

TEST_CASE("GGUF: impossible configs are refused") {
  for (const char* key : {"llama.block_count", "llama.context_length", "llama.embedding_length",
                          "llama.feed_forward_length", "llama.attention.head_count"}) {
    check_refused([key](GgufFile& f) { f.remove(key); }, {key, "is missing"});
    check_refused([key](GgufFile& f) { f.set(key, std::uint32_t{0}); }, {"tiny.gguf"});
    check_refused([key](GgufFile& f) { f.set_raw(key, uint64_value(std::uint64_t{1} << 40)); },
                  {"expected 1 to"});
  }
  const char* eps = "llama.attention.layer_norm_rms_epsilon";
  check_refused([&](GgufFile& f) { f.remove(eps); }, {eps, "is missing"});
  check_refused([&](GgufFile& f) { f.set(eps, -1.0f); }, {"epsilon"});
  check_refused([&](GgufFile& f) { f.set(eps, std::numeric_limits<float>::quiet_NaN()); }, {"epsilon"});
  check_refused([](GgufFile& f) { f.set("llama.rope.freq_base", 0.0f); }, {"theta"});
  check_refused([](GgufFile& f) { f.set("llama.attention.head_count_kv", std::uint32_t{3}); },
                {"4 heads", "3 key"});
  check_refused(
      [](GgufFile& f) {
        for (const char* key :
             {"llama.attention.key_length", "llama.attention.value_length", "llama.rope.dimension_count"}) {
          f.set(key, std::uint32_t{5});
        }
      },
      {"head_dim 5 is odd"});
  check_refused([](GgufFile& f) { f.set("llama.block_count", std::uint32_t{4000}); }, {"4000 layers"});
  check_refused([](GgufFile& f) { f.set("llama.vocab_size", std::uint32_t{31}); },
                {"llama.vocab_size", "token_embd.weight has 32 rows"});
}

TEST_CASE("GGUF: what is not supported is refused by name") {
  check_refused([](GgufFile& f) { f.remove("general.architecture"); }, {"general.architecture", "missing"});
  check_refused([](GgufFile& f) { f.set("general.architecture", "qwen2"); }, {"\"qwen2\" is not supported"});
  check_refused([](GgufFile& f) { f.set("general.type", "adapter"); }, {"general.type", "adapter"});
  check_refused([](GgufFile& f) { f.set("split.count", std::uint32_t{2}); }, {"split.count", "merge"});
  check_refused(
      [](GgufFile& f) {  // a second part has nothing else
        f.metadata.clear();
        f.set("split.count", std::uint32_t{2});
      },
      {"split.count", "merge"});
  check_refused([](GgufFile& f) { f.set("llama.expert_count", std::uint32_t{8}); },
                {"llama.expert_used_count", "8 experts"});
  check_refused([](GgufFile& f) { f.set("llama.expert_used_count", std::uint32_t{2}); },
                {"llama.expert_used_count"});
  check_refused([](GgufFile& f) { f.set("llama.attention.causal", false); }, {"llama.attention.causal"});
  check_refused([](GgufFile& f) { f.set("llama.logit_scale", 0.5f); },
                {"llama.logit_scale", "is not supported"});
  check_refused([](GgufFile& f) { f.set("llama.tensor_data_layout", "odd"); },
                {"llama.tensor_data_layout", "odd"});
  check_refused([](GgufFile& f) { f.set("llama.rope.dimension_count", std::uint32_t{4}); },
                {"llama.rope.dimension_count", "partial rotation"});
  check_refused([](GgufFile& f) { f.set("llama.attention.value_length", std::uint32_t{8}); },
                {"llama.attention.value_length", "8 differs"});
  check_refused([](GgufFile& f) { f.set("llama.rope.scaling.type", "yarn"); },
                {"rope.scaling.type", "\"yarn\""});
  check_refused([](GgufFile& f) { f.set("llama.rope.scaling.type", "linear"); },
                {"rope.scaling.factor", "missing"});
  check_refused([](GgufFile& f) { f.set("llama.rope.scaling.factor", 2.0f); }, {"rope.scaling.factor"});
  check_refused([](GgufFile& f) { f.set("llama.rope.scaling.attn_factor", 2.0f); },
                {"rope.scaling.attn_factor"});
  check_refused(
      [](GgufFile& f) {
        f.remove("llama.attention.key_length");
        f.remove("llama.attention.value_length");
        f.remove("llama.rope.dimension_count");
        f.set("llama.attention.head_count", std::uint32_t{3});
      },
      {"llama.attention.key_length", "3 heads do not divide"});
}

TEST_CASE("GGUF: wrong tensors are refused by name") {
  const char* q = "blk.1.attn_q.weight";
  check_refused([&](GgufFile& f) { f.remove_tensor(q); }, {"tensor blk.1.attn_q.weight is missing"});
  check_refused([](GgufFile& f) { f.remove_tensor("token_embd.weight"); },
                {"tensor token_embd.weight is missing"});
  check_refused([&](GgufFile& f) { f.tensors.push_back(f.tensor(q)); }, {q, "twice"});
  check_refused([&](GgufFile& f) { std::swap(f.tensor(q).extents[0], f.tensor(q).extents[1]); },
                {q, "expected shape [24, 16]", "found [16, 24]"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {16, 12, 2}; }, {q, "found [2, 12, 16]"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {}; }, {q, "0 extents"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {16, 24, 1, 1, 1}; }, {q, "5 extents"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {0, 24}; }, {q, "extent below 1"});
  check_refused(
      [&](GgufFile& f) {
        f.tensor(q).extents = {~std::uint64_t{0}, 24};
      },
      {q, "18446744073709551615"});
  const std::uint64_t huge = std::uint64_t{1} << 32;
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {huge, huge}; }, {q, "more than 2^63 numbers"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {huge, huge / 4}; }, {q, "more than 2^63 bytes"});
  check_refused([&](GgufFile& f) { f.tensor(q).extents = {huge, 1}; }, {q, "reach past"});
  check_refused([&](GgufFile& f) { f.tensor(q).offset = std::uint64_t{1} << 40; }, {q, "reach past"});
  check_refused([&](GgufFile& f) { f.tensor(q).offset = ~std::uint64_t{31}; }, {q, "reach past"});
  check_refused([&](GgufFile& f) { f.tensor(q).offset = 33; }, {q, "offset 33 is not a multiple"});
  check_refused([&](GgufFile& f) { f.tensor(q).offset = 0; }, {q, "token_embd.weight", "overlap"});
  check_refused([&](GgufFile& f) { f.tensor(q).type = 10; }, {q, "type Q2_K is not supported"});
  check_refused([&](GgufFile& f) { f.tensor(q).type = 4242; }, {q, "type number 4242 is not supported"});
  check_refused([&](GgufFile& f) { f.tensor(q).type = 8; },
                {q, "rows of 16 numbers are not whole blocks of 32"});
  for (const char* extra : {"blk.0.attn_q.bias", "blk.0.attn_q_norm.weight", "blk.2.attn_q.weight",
                            "blk.0.ffn_gate_inp.weight", "something\nelse"}) {
    check_refused(
        [&](GgufFile& f) {
          f.tensors.push_back(
              {.name = extra, .extents = {4}, .type = 0, .data = f32_bytes({1, 2, 3, 4}), .offset = {}});
        },
        {std::string_view(extra).substr(0, 9), "is not part of a llama model"});
  }
}

TEST_CASE("GGUF: wrong rope factors are refused") {
  const auto with_factors = [](std::vector<float> factors) {
    return [factors](GgufFile& f) {
      f.tensors.push_back({.name = "rope_freqs.weight",
                           .extents = {factors.size()},
                           .type = 0,
                           .data = f32_bytes(factors),
                           .offset = {}});
    };
  };
  check_refused(
      [&](GgufFile& f) {
        with_factors({1, 1, 1})(f);
        f.tensor("rope_freqs.weight").type = 26;
      },
      {"rope_freqs.weight", "type I32 is not supported"});
  check_refused(with_factors({1, 1}), {"rope_freqs.weight", "expected 3 numbers"});
  check_refused(with_factors({1, 0, 1}), {"rope frequency factor"});
  check_refused(with_factors({1, std::numeric_limits<float>::quiet_NaN(), 1}), {"rope frequency factor"});
  check_refused(
      [&](GgufFile& f) {
        with_factors({1, 1, 1})(f);
        f.set("llama.rope.scaling.type", "linear");
        f.set("llama.rope.scaling.factor", 2.0f);
      },
      {"rope_freqs.weight", "linear"});
}

TEST_CASE("GGUF: a file cut off anywhere is refused") {
  const Bytes whole = to_gguf(TinyModel()).bytes();
  const TemporaryDirectory directory;
  const auto path = directory.path() / "cut.gguf";
  int wrong = 0;
  for (std::size_t size = 0; size < whole.size(); size += size < 400 ? 1 : 211) {
    write_file(path, std::span(whole).first(size));
    if (!one_line_with(complaint(path), {"cut.gguf"})) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is no file at all is refused") {
  const TemporaryDirectory directory;
  CHECK(one_line_with(complaint(directory.path() / "none.gguf"), {"none.gguf", "No such file"}));
  write_file(directory.path() / "empty.gguf", "");
  CHECK(one_line_with(complaint(directory.path() / "empty.gguf"), {"empty.gguf", "is empty"}));
  CHECK(one_line_with(complaint("/dev/null"), {"/dev/null", "is not a regular file"}));
  CHECK(one_line_with(complaint(directory.path()), {"without config.json"}));
  REQUIRE(::mkfifo((directory.path() / "pipe.gguf").c_str(), 0600) == 0);  // nobody will write to it
  CHECK(one_line_with(complaint(directory.path() / "pipe.gguf"), {"pipe.gguf", "is not a regular file"}));
}
