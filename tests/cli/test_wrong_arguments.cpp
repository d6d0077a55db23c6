#include <algorithm>
#include <string>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"

using rung::support::run_rung;

namespace {

// One clear line on stderr that holds `word`, nothing on stdout, and the right status.
void refuses(const std::string& arguments, int status, const std::string& word) {
  const auto ran = run_rung(arguments);
  INFO("rung " << arguments << "\nstatus " << ran.status << "\nstdout: " << ran.out
               << "\nstderr: " << ran.err);
  CHECK(ran.status == status);
  CHECK(ran.out.empty());
  CHECK(std::ranges::count(ran.err, '\n') == 1);
  CHECK(ran.err.find(word) != std::string::npos);
}

}  // namespace

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
  refuses("generate hello -m tiny --no-such-option", 2, "--no-such-option");
  refuses("nonsense", 2, "nonsense");
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
}
