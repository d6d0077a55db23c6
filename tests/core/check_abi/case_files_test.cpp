#include "core/check/case_files.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/check/check.h"
#include "core/check/npy.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

namespace fs = std::filesystem;
using namespace rung;
using namespace rung::check;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What somebody's kernel would write: `values` of each case, beside its inputs.
template <typename Results>
void answer(const fs::path& folder, const Op& op, NumberType type, const Results& values) {
  for (const Case& one : all_cases(op, type)) {
    const Values results = values(one);
    for (std::size_t i = 0; i < results.size(); ++i) {
      write_npy(folder / one.name / (one.outputs[i].name + ".npy"), one.outputs[i].shape, results[i]);
    }
  }
}

std::string complaint(const fs::path& folder) {
  try {
    open_cases(folder);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// The messages of all failed cases, in one text.
std::string failures(const Report& report) {
  std::string text;
  for (const CaseVerdict& verdict : report.cases) text += verdict.message + '\n';
  return text;
}

}  // namespace

TEST_CASE("outputs written beside the inputs are judged, right and wrong") {
  std::size_t turn = 0;
  for (const Op& op : ops()) {
    // Every op at one type and every type at some op: files are the same for all of them, and slow.
    const NumberType type = number_types[turn++ % std::size(number_types)];
    INFO(op.name << " at " << name(type));
    const support::TemporaryDirectory folder;
    CHECK(write_cases(op, folder.path(), {.types = {type}, .force = true}) == all_cases(op, type).size());

    if (op.name == "attention") {
      std::ifstream file(folder.path() / "attention-f32-00-00" / "params.json");
      CHECK(nlohmann::json::parse(file)["params"]["causal"] == true);
    }
    // No name of a case needs quoting in a shell.
    for (const Case& one : all_cases(op, type)) {
      CHECK(one.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789-.") == std::string::npos);
    }

    answer(folder.path(), op, type, op.baseline);
    const CaseFolder cases = open_cases(folder.path());
    CHECK(cases.op == op.name);
    CHECK(cases.seed == default_seed);
    CHECK(cases.types_with_outputs == std::vector<NumberType>{type});
    CHECK(cases.missing.empty());
    const Report right = check::check(op, type, folder_candidate(cases), cases.seed);
    INFO(to_text(right));
    CHECK(right.passed);

    if (op.name != "attention") continue;  // one op's wrong outputs show it; thousands of files are slow
    const Mistake& mistake = op.mistakes.front();
    answer(folder.path(), op, type, mistake.kernel);
    const Report wrong = check::check(op, type, folder_candidate(cases), cases.seed);
    INFO(to_text(wrong));
    CHECK_FALSE(wrong.passed);
    REQUIRE(wrong.matched.has_value());
    CHECK(wrong.matched->name == mistake.name);
  }
}

TEST_CASE("params.json says what a script needs") {
  const support::TemporaryDirectory folder;
  const Op& op = find_op("rope");
  write_cases(op, folder.path(), {.types = {NumberType::bf16}, .seed = 7, .force = false});
  for (const Case& one : all_cases(op, NumberType::bf16, 7)) {
    std::ifstream file(folder.path() / one.name / "params.json");
    const auto json = nlohmann::json::parse(file);
    CHECK(json["op"] == "rope");
    CHECK(json["dtype"] == "bf16");
    CHECK(json["case"] == one.name);
    for (const Param& param : one.params) {
      if (param.name == "layout") {
        CHECK(json["params"]["layout"] == (param.value == 0 ? "half_split" : "interleaved"));
      } else {
        CHECK(json["params"][param.name] == param.value);
      }
    }
    REQUIRE(json["inputs"].size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& described = json["inputs"][i];
      CHECK(described["name"] == (i == 0 ? "positions" : "x"));
      CHECK(described["shape"] == one.inputs[i].shape);
      CHECK(described["file_dtype"] == (i == 0 ? "int32" : "float32"));
      const NpyArray array = read_npy(folder.path() / one.name / described["file"].get<std::string>());
      CHECK(array.shape == one.inputs[i].shape);
      CHECK(array.type == (i == 0 ? NpyType::int32 : NpyType::float32));
      CHECK(array.as_double() == one.inputs[i].dense());
    }
    CHECK(json["outputs"][0]["shape"] == one.outputs[0].shape);
  }
  CHECK(fs::exists(folder.path() / "README.txt"));
}

TEST_CASE("nobody's files are overwritten, and old outputs are not judged as new ones") {
  const support::TemporaryDirectory folder;
  const Op& op = find_op("rope");
  const CaseFilesOptions options{.types = {NumberType::f32}};
  std::ofstream(folder.path() / "thesis.tex") << "precious";
  CHECK_THROWS_AS(write_cases(op, folder.path(), options), Error);
  CHECK_THROWS_AS(write_cases(op, folder.path() / "thesis.tex", options), Error);

  const fs::path cases = folder.path() / "cases";
  write_cases(op, cases, options);
  CHECK_THROWS_AS(write_cases(op, cases, options), Error);
  answer(cases, op, NumberType::f32, op.baseline);
  CHECK(complaint(cases) == "");
  std::ofstream(cases / "thesis.tex") << "precious";
  write_cases(op, cases, {.types = {NumberType::f32}, .seed = 5, .force = true});
  CHECK(has(complaint(cases), "no output is there"));
  CHECK(fs::exists(cases / "thesis.tex"));
}

TEST_CASE("while the cases are written anew, the folder has no index") {
  const support::TemporaryDirectory folder;
  const Op& op = find_op("rope");
  write_cases(op, folder.path(), {.types = {NumberType::f32}, .force = true});
  // The first case cannot be written: its place is taken by a file that is no case of the old index.
  const Case first = all_cases(op, NumberType::bf16).front();
  std::ofstream(folder.path() / first.name) << "in the way";
  CHECK_THROWS_AS(write_cases(op, folder.path(), {.types = {NumberType::bf16}, .force = true}), Error);
  CHECK(has(complaint(folder.path()), "there is no cases.json"));
}

TEST_CASE("what is wrong with a folder of outputs is said, file by file") {
  const support::TemporaryDirectory folder;
  const Op& op = find_op("rope");
  const NumberType type = NumberType::f16;
  write_cases(op, folder.path(), {.types = {NumberType::f32, type}, .force = true});
  CHECK(has(complaint(folder.path()), "no output is there"));
  CHECK(has(complaint(folder.path()), all_cases(op, NumberType::f32).front().name + "/y.npy"));

  answer(folder.path(), op, type, op.baseline);
  CHECK(open_cases(folder.path()).types_with_outputs == std::vector<NumberType>{type});

  const Case first = all_cases(op, type).front();
  const fs::path y = folder.path() / first.name / "y.npy";
  const auto judge = [&] {
    return failures(check::check(op, type, folder_candidate(open_cases(folder.path()))));
  };
  CHECK(judge().find_first_not_of('\n') == std::string::npos);

  fs::remove(y);
  CHECK(open_cases(folder.path()).missing == std::vector<std::string>{first.name + "/y.npy"});
  CHECK(has(judge(), y.string() + ": the output is missing"));
  write_npy(y, {1, 1, 3}, std::vector<float>(3));
  CHECK(has(judge(), "found [1, 1, 3]"));
  const auto count = static_cast<std::size_t>(elements(first.outputs.front().shape));
  write_npy(y, first.outputs.front().shape, std::vector<std::int32_t>(count));
  CHECK(has(judge(), "expected float16, float32 or float64 for a case in f16, found int32"));
  std::ofstream(y) << "not an array";
  CHECK(has(judge(), "expected a .npy file"));

  // The kernel's script wrote over an input.
  for (const char* const name : {"x.npy", "positions.npy"}) {
    answer(folder.path(), op, type, op.baseline);
    const fs::path path = folder.path() / first.name / name;
    const NpyArray right = read_npy(path);
    NpyArray changed = right;
    changed.bytes[0] ^= std::byte{1};
    write_npy(path, changed.shape, changed.type, changed.bytes);
    CHECK(has(judge(), path.string() + ": the input is not what"));
    write_npy(path, right.shape, right.type, right.bytes);
  }
}

TEST_CASE("bfloat16 results are taken as raw bits, or rounded from float32") {
  const support::TemporaryDirectory folder;
  const Op& op = find_op("rope");
  const NumberType type = NumberType::bf16;
  write_cases(op, folder.path(), {.types = {type}, .force = true});
  for (const Case& one : all_cases(op, type)) {
    const std::vector<double> values = op.baseline(one).front();
    const std::vector<float> numbers(values.begin(), values.end());
    std::vector<std::byte> bits(numbers.size() * 2);
    store(type, numbers, bits.data());
    write_npy(folder.path() / one.name / "y.npy", one.outputs.front().shape, NpyType::uint16, bits);
  }
  const Report report = check::check(op, type, folder_candidate(open_cases(folder.path())));
  INFO(to_text(report));
  CHECK(report.passed);
}

TEST_CASE("an index that is not one is refused") {
  const support::TemporaryDirectory folder;
  CHECK(has(complaint(folder.path()), "there is no cases.json"));
  for (const char* const text :
       {"", "[]", "{}", R"({"format": 9, "op": "linear", "seed": 1, "dtypes": ["f32"], "cases": []})",
        R"({"format": 1, "op": "linear", "seed": -1, "dtypes": ["f32"], "cases": []})",
        R"({"format": 1, "op": "linear", "seed": 1, "dtypes": ["f8"], "cases": []})",
        R"({"format": 1, "op": "linear", "seed": 1, "dtypes": ["f32"], "cases": ["../.."]})"}) {
    std::ofstream(folder.path() / "cases.json") << text;
    CHECK(has(complaint(folder.path()), "not an index of cases"));
  }
}
