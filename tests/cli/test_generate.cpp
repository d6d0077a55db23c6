#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using rung::support::run_rung;

TEST_CASE("generate continues the prompt, the same at every run and on every stage") {
  const auto first = run_rung("generate 'And the LORD said' -m tiny -n 24");
  REQUIRE(first.status == 0);
  CHECK(first.err.empty());
  CHECK(first.out.starts_with("And the LORD said"));
  CHECK(first.out.size() > 40);
  CHECK(first.out.ends_with("\n"));
  CHECK(run_rung("generate 'And the LORD said' -m tiny -n 24").out == first.out);
  CHECK(run_rung("generate 'And the LORD said' -m tiny -n 24 --stage recompute").out == first.out);
  CHECK(run_rung("generate 'And the LORD said' -m tiny -n 24 --stage grouped").out == first.out);
}

TEST_CASE("the cache's type changes its bytes, which the statistics show") {
  const auto bytes = [](const std::string& options) {
    const auto ran = run_rung("generate 'And the LORD said' -m tiny -n 24 --stats " + options);
    INFO(ran.err);
    REQUIRE(ran.status == 0);
    CHECK(ran.out.starts_with("And the LORD said"));
    const auto end = ran.err.find(" bytes)");
    REQUIRE(end != std::string::npos);
    return std::stoll(ran.err.substr(ran.err.rfind('(', end) + 1));
  };
  const auto all_heads = bytes("--stage kv_cache");
  const auto f32 = bytes("--stage grouped");
  CHECK(f32 < all_heads);
  CHECK(2 * bytes("--stage grouped --kv f16") == f32);
  const auto int8 = bytes("--stage grouped --kv int8");
  CHECK(4 * int8 > f32);  // the scales
  CHECK(3 * int8 < f32);
}

TEST_CASE("the seed decides what is drawn, and top-k 1 is greedy") {
  const std::string draw = "generate 'In the beginning' -m tiny -n 24 --temperature 1";
  const auto one = run_rung(draw + " --seed 1");
  CHECK(one.out == run_rung(draw + " --seed 1").out);
  CHECK(one.out != run_rung(draw + " --seed 2").out);
  CHECK(run_rung(draw + " --top-k 1 --seed 3").out ==
        run_rung("generate 'In the beginning' -m tiny -n 24").out);
}

TEST_CASE("statistics go to stderr, the text to stdout") {
  const auto plain = run_rung("generate 'Now' -m tiny -n 8");
  const auto stats = run_rung("generate 'Now' -m tiny -n 8 --stats");
  CHECK(stats.out == plain.out);
  CHECK(stats.err.find("decode") != std::string::npos);
}

TEST_CASE("a prompt may begin with -, and one that is no UTF-8 is shown as the model reads it") {
  CHECK(run_rung("generate -m tiny -n 2 -- -hello").out.starts_with("-hello"));
  CHECK(run_rung("generate -m tiny -n 2 \"$(printf 'a\\377b')\"")
            .out.starts_with("a\xEF\xBF\xBD"
                             "b"));
}

TEST_CASE("an error in the middle of a text stands on a line of its own") {
  const rung::support::TemporaryDirectory folder;
  rung::support::TinyModel model;
  for (float& weight : model.tensors.at("output.weight")) weight = 3e38F;  // finite; its products are not
  const auto file = folder.path() / "huge.gguf";
  rung::support::write_file(file, rung::support::to_gguf(model).bytes());
  const auto ran = run_rung("generate abc -n 2 --temperature 1 -m " + file.string());
  CHECK(ran.status == 1);
  CHECK(ran.out == "abc\n");
  CHECK(ran.err.find("logits") != std::string::npos);
}

TEST_CASE("chat says that a line is too long for the conversation") {
  const rung::support::TemporaryDirectory folder;
  auto file = rung::support::to_gguf(rung::support::TinyModel());
  file.set("tokenizer.chat_template", "{{ '<|im_start|>' }}");
  const auto path = folder.path() / "chat.gguf";
  rung::support::write_file(path, file.bytes());
  const auto line = folder.path() / "line";
  rung::support::write_file(line, std::string(70, 'b') + "\n");
  const auto ran = run_rung("chat -n 2 -m " + path.string() + " <" + line.string());
  INFO(ran.out << ran.err);
  CHECK(ran.status == 1);
  CHECK(ran.err.find("with this line the conversation is") != std::string::npos);
}

TEST_CASE("the real model knows a capital") {
  const auto ran = run_rung("generate 'The capital of France is' -n 8");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK(ran.out.find("Paris") != std::string::npos);
}
