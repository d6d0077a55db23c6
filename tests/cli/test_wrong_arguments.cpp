#include <filesystem>
#include <string>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using rung::support::refuses;
using rung::support::run_rung;

TEST_CASE("generate refuses what it cannot do, in one line") {
  refuses("generate '' -m tiny", 2, "prompt");
  refuses("generate", 2, "prompt");
  refuses("generate hello -m tiny -n 0", 2, "-n");
  refuses("generate hello -m tiny -n -5", 2, "-n");
  refuses("generate hello -m tiny -n 100000", 2, "-n");
  refuses("generate hello -m tiny -n many", 2, "-n");
  refuses("generate hello -m tiny -n 99999999999999999999", 2, "-n");
  refuses("generate hello -m tiny --stage nonsense", 2, "kv_cache");
  refuses("generate hello -m nonsense", 2, "nonsense");
  refuses("generate hello -m tiny --temperature -1", 2, "--temperature");
  refuses("generate hello -m tiny --temperature nan", 2, "--temperature");
  refuses("generate hello -m tiny --top-k 0", 2, "--top-k");
  refuses("generate hello -m tiny --top-p 0", 2, "--top-p");
  refuses("generate hello -m tiny --min-p 2", 2, "--min-p");
  refuses("generate hello -m tiny --repetition-penalty 0", 2, "--repetition-penalty");
  refuses("generate hello there -m tiny", 2, "there");
  refuses("generate -xyz -m tiny", 2, "-xyz");
  refuses("generate -hello -m tiny", 2, "--");
  refuses("generate hello -m tiny --no-such-option", 2, "--no-such-option");
  refuses("nonsense", 2, "nonsense");
  refuses("generate hello -m tiny --stage grouped --kv q4", 2, "--kv");
  refuses("generate hello -m tiny --stage kv_cache --kv f16", 2, "--stage grouped");
  refuses("logits tiny --tokens 1 --stage oracle --kv int8 --out never.npy", 2, "--stage grouped");
  refuses("chat -m tiny --stage recompute --kv f16", 2, "--kv f16");
}

TEST_CASE("a text without a single token is refused") {
  const rung::support::TemporaryDirectory folder;
  const auto model = folder.path() / "abc.gguf";  // its vocabulary spells a, b and c
  rung::support::write_file(model, rung::support::to_gguf(rung::support::TinyModel()).bytes());
  refuses("generate xyz --temperature 1 -m " + model.string(), 2, "xyz");
  refuses("generate xyz -m " + model.string(), 2, model.string());
  refuses("trace recompute kv_cache xyz -m " + model.string(), 2, "no tokens");
}

TEST_CASE("a whole number out of range is refused, and not changed") {
  refuses("generate hello -m tiny --seed 18446744073709551616", 2, "--seed");
  refuses("generate hello -m tiny --seed -1", 2, "--seed");
  refuses("generate hello -m tiny --top-k 9223372036854775808", 2, "--top-k");
  refuses("generate hello -m tiny -n 2147483648", 2, "-n");
  refuses("chat -m tiny --context 9223372036854775808", 2, "--context");
  refuses("chat -m tiny --context 0", 2, "--context");
  refuses("cases linear --seed -1 --out /tmp/rung-never", 2, "--seed");
  refuses("check linear --seed 18446744073709551616", 2, "--seed");
}

TEST_CASE("an empty name, such as an unset variable leaves, is refused") {
  refuses("check ''", 2, "OP");
  refuses("check rmsnorm --candidate ''", 2, "--candidate");
  refuses("check rmsnorm --outputs ''", 2, "--outputs");
  refuses("check rmsnorm --dtype ''", 2, "--dtype");
  refuses("cases rmsnorm --out ''", 2, "--out");
  refuses("logits tiny --tokens 1 --out ''", 2, "--out");
}

TEST_CASE("check refuses an option that would change nothing") {
  refuses("check kv_cache --dtype f16", 2, "--dtype");
  refuses("check kv_cache --cases", 2, "--cases");
  refuses("check kv_cache --candidate lib.so", 2, "kv_cache");
  refuses("check kv_cache --outputs folder", 2, "kv_cache");
  refuses("check rmsnorm -m nonsense", 2, "--model");
  refuses("check rmsnorm --kv f16", 2, "--kv");
  refuses("check --kv f16", 2, "--kv");
  refuses("check kv_cache --kv f16", 2, "--stage grouped");
  refuses("check rmsnorm --timeout 1", 2, "--timeout");
  refuses("check --mistakes --candidate lib.so", 2, "--mistakes");
  refuses("check --mistakes --seed 3", 2, "--seed");
  refuses("check --rules --candidate lib.so", 2, "--rules");
  refuses("check --rules --mistakes", 2, "--rules");
  refuses("check rmsnorm --rules", 2, "--rules");
}

TEST_CASE("what cannot be printed is one line and a failure, and a lost note nothing") {
  const auto full = run_rung("inspect tiny --json >/dev/full");
  CHECK(full.status == 1);
  CHECK(full.err == "rung: cannot write to standard output\n");
  CHECK(run_rung("generate hello -m nonsense 2>/dev/full").status == 2);
  CHECK(run_rung("generate hello -m nonsense 2>&-").status == 2);
  CHECK(run_rung("generate hello -m tiny -n 2 --stats 2>/dev/full").status == 0);
}

TEST_CASE("a file does not take the place of a stream that is closed") {
  const rung::support::TemporaryDirectory folder;
  const auto one = folder.path() / "one.npy", other = folder.path() / "other.npy";
  REQUIRE(run_rung("logits tiny --tokens '1 2' --out " + one.string()).status == 0);
  REQUIRE(run_rung("logits tiny --tokens '1 2' --out " + other.string() + " 2>&-").status == 0);
  CHECK(std::filesystem::file_size(one) == std::filesystem::file_size(other));
}

TEST_CASE("what a terminal would obey is shown, not sent") {
  refuses("generate hello -m $(printf 'no\\033[31mpe')", 2, "no\\x1b[31mpe");
  refuses("generate hello -m $(printf 'no\\302\\23331mpe')", 2, "no\\xc2\\x9b31mpe");
  refuses("generate hello -m Zoë", 2, "Zoë");
}

TEST_CASE("a file that is no model is refused by name") {
  refuses("generate hello -m /dev/null", 1, "/dev/null");
  refuses(std::string("generate hello -m ") + RUNG_SOURCE_DIR + "/README.md", 1, "README.md");
  refuses(std::string("generate hello -m ") + RUNG_SOURCE_DIR + "/tests", 1, "config.json");
  refuses(std::string("inspect ") + RUNG_SOURCE_DIR + "/README.md", 1, "README.md");
}

TEST_CASE("logits refuses ids and outputs that cannot be, in one line") {
  refuses("logits tiny --tokens '1 2 999999' --out /tmp/rung-never.npy", 2, "999999");
  refuses("logits tiny --tokens '1 -2' --out /tmp/rung-never.npy", 2, "-2");
  refuses("logits tiny --tokens '1 two' --out /tmp/rung-never.npy", 2, "two");
  refuses("logits tiny --tokens '' --out /tmp/rung-never.npy", 2, "--tokens");
  refuses("logits tiny --tokens '1 2'", 2, "--out");
  refuses("logits tiny --tokens '1 2' --out /no/such/folder/x.npy", 1, "/no/such/folder");
  refuses("logits tiny --tokens '1 2' --stage nonsense --out /tmp/rung-never.npy", 2, "nonsense");
}

TEST_CASE("tokenize refuses ids that cannot be") {
  refuses("tokenize tiny --decode '1 99999999'", 2, "99999999");
  refuses("tokenize tiny --decode '1 x'", 2, "x");
  refuses("tokenize nonsense text", 2, "nonsense");
}

TEST_CASE("check and cases refuse what they do not know") {
  refuses("check nonsense", 2, "nonsense");
  refuses("check rmsnorm --candidate /no/such/lib.so", 2, "/no/such/lib.so");
  refuses("check rmsnorm --outputs /no/such/folder", 1, "/no/such/folder");
  refuses("cases nonsense --out /tmp/rung-never", 2, "nonsense");
  refuses("cases rmsnorm", 2, "--out");
  refuses("trace kv_cache nonsense -m tiny hello", 2, "nonsense");
  refuses("ladder -m nonsense", 2, "nonsense");
  refuses("bench --stage nonsense -m tiny", 2, "nonsense");
  refuses("bench -m tiny --stage recompute --contexts 8", 2, "recompute");
  refuses("bench -m tiny --contexts 8,1000000", 2, "1000000");
  refuses("bench -m tiny --contexts 0", 2, "--contexts");
  refuses("bench -m tiny --kv int8", 2, "--kv int8");
}

TEST_CASE("plan refuses what cannot be, in one line") {
  refuses("plan", 2, "MODEL");
  refuses("plan nonsense --gpu l4", 2, "llama2-7b");
  refuses("plan llama2-7b --gpu nonsense", 2, "rtx4090");
  refuses("plan llama2-7b --gpu l4 --weights q3", 2, "--weights");
  refuses("plan llama2-7b --gpu l4 --kv q4", 2, "--kv");
  refuses("plan llama2-7b --gpu l4 --context 0", 2, "--context");
  refuses("plan llama2-7b --gpu l4 --context 99999999999999999999", 2, "--context");
  refuses("plan llama2-7b --gpu l4 --context 2147483647 --batch 1000000", 2, "bytes");
  refuses("plan llama2-7b --gpu l4 --batch 0", 2, "--batch");
  refuses("plan llama2-7b --gpu l4 --gpus 0", 2, "--gpus");
  refuses("plan llama2-7b --bandwidth 100", 2, "--memory");
  refuses("plan llama2-7b --bandwidth -1 --flops 1 --memory 1", 2, "--bandwidth");
  refuses("plan llama2-7b --bandwidth nan --flops 1 --memory 1", 2, "nan");
  refuses("plan llama2-7b --gpu l4 --bandwidth 1 --flops 1 --memory 1", 2, "--gpu");
  refuses("plan llama2-7b --gpu /no/such/card.json", 1, "/no/such/card.json");
  refuses("plan llama2-7b --gpu l4 --svg /no/such/folder/x.svg", 1, "/no/such/folder");
  refuses("plan ../../README --gpu l4", 2, "README");
}
