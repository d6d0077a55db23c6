// ./rung check and ./rung cases from outside: what a kernel author types.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"

using rung::support::refuses;
using rung::support::run_rung;
using rung::support::TemporaryDirectory;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("check judges a shared library, and names its mistake") {
  const auto right = run_rung(std::string("check rmsnorm --candidate ") + MY_RMSNORM);
  INFO(right.out << right.err);
  CHECK(right.status == 0);
  CHECK(has(right.out, "libmy_rmsnorm.so"));
  CHECK_FALSE(has(right.out, "FAIL"));

  const auto wrong = run_rung(std::string("check --candidate ") + MY_RMSNORM_WRONG);
  INFO(wrong.out << wrong.err);
  CHECK(wrong.status == 1);
  CHECK(has(wrong.out, "FAIL"));
  CHECK(has(wrong.out, "it matches a known mistake"));
  CHECK(has(wrong.err, "not judged"));  // at f16 and bf16, which it does not do

  const auto json = run_rung(std::string("check rmsnorm --json --candidate ") + MY_RMSNORM_WRONG);
  CHECK(json.status == 1);
  const auto object = nlohmann::json::parse(json.out);
  CHECK(object["passed"] == false);
  CHECK(object["ops"].size() == 1);
  CHECK(object["ops"][0]["op"] == "rmsnorm");
}

TEST_CASE("cases are written, and outputs judged beside them") {
  const TemporaryDirectory directory;
  const std::string folder = (directory.path() / "cases").string();
  const auto written = run_rung("cases softmax --dtype f32 --out " + folder);
  INFO(written.out << written.err);
  CHECK(written.status == 0);
  CHECK(has(written.out, folder));
  refuses("cases softmax --out " + folder, 2, "--force");
  CHECK(run_rung("cases softmax --dtype f32 --force --out " + folder).status == 0);

  refuses("check softmax --outputs " + folder, 1, "no output is there");
  refuses("check linear --outputs " + folder, 2, "softmax");
  // Inputs handed back as outputs: wrong, in every case that has more than one number.
  std::size_t copied = 0;
  for (const auto& one : std::filesystem::directory_iterator(folder)) {
    if (!one.is_directory()) continue;
    std::filesystem::copy_file(one.path() / "x.npy", one.path() / "y.npy");
    ++copied;
  }
  CHECK(copied > 1);
  const auto judged = run_rung("check softmax --outputs " + folder);
  INFO(judged.out << judged.err);
  CHECK(judged.status == 1);
  CHECK(has(judged.out, "FAIL"));
}

TEST_CASE("check and cases refuse what they cannot do, in one line") {
  refuses("check nonsense", 2, "kv_cache");
  refuses("check linear --dtype f8", 2, "f8");
  refuses("check linear --candidate /no/such/lib.so", 2, "/no/such/lib.so");
  refuses(std::string("check linear --candidate ") + MY_RMSNORM, 1, "rung_linear");
  refuses(std::string("check rmsnorm --dtype f16 --candidate ") + MY_RMSNORM, 2, "f16");
  refuses("check --candidate a.so --outputs b", 2, "--outputs");
  refuses("check --outputs /no/such/folder", 1, "/no/such/folder");
  refuses("check linear --timeout 0 --candidate a.so", 2, "--timeout");
  refuses("cases linear", 2, "--out");
  refuses("cases nonsense --out /tmp/rung-never", 2, "nonsense");
  refuses("cases linear --dtype f8 --out /tmp/rung-never", 2, "f8");
  refuses("cases linear --out /dev/null", 2, "/dev/null");
  refuses("cases linear --out /proc/no/such", 1, "/proc/no/such");
}

TEST_CASE("check knows its own ops and mistakes") {
  const auto linear = run_rung("check linear");
  INFO(linear.out << linear.err);
  CHECK(linear.status == 0);
  CHECK(has(linear.out, "chapters/02_tensors/matmul"));
  const auto mistakes = run_rung("check --mistakes");
  CHECK(mistakes.status == 0);
  CHECK(std::ranges::count(mistakes.out, '\n') >= 30);
  CHECK(has(mistakes.out, "rope_interleaved"));
  const auto one = run_rung("check rmsnorm --mistakes");
  CHECK_FALSE(has(one.out, "rope_interleaved"));
  const auto stage = run_rung("check kv_cache --mistakes");
  CHECK(has(stage.out, "rope_interleaved"));
  CHECK_FALSE(has(stage.out, "rmsnorm (chapter"));
}

TEST_CASE("a seed draws other texts for a stage") {
  const auto usual = run_rung("check kv_cache");
  CHECK(usual.status == 0);
  CHECK(run_rung("check kv_cache --seed 5").out != usual.out);
}
