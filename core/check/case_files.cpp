#include "core/check/case_files.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/check/check.h"
#include "core/check/npy.h"
#include "core/check/write_file.h"
#include "core/error.h"

namespace rung::check {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int format_version = 1;
constexpr std::size_t most_index_bytes = 1 << 20;

NpyType file_type(NumberType type, bool whole = false) {
  if (whole) return NpyType::int32;
  return type == NumberType::f16 ? NpyType::float16 : NpyType::float32;
}

std::string output_file(std::string_view case_name, std::string_view output) {
  return fmt::format("{}/{}.npy", case_name, output);
}

bool is_whole(const Array& array) {
  return array.whole;
}
bool is_whole(const OutputInfo& /*output*/) {
  return false;
}

/// "x: float32 [2, 3]" and the like.
template <typename Arrays>
Json describe(const Arrays& arrays, NumberType type) {
  Json list = Json::array();
  for (const auto& array : arrays) {
    list.push_back({{"name", array.name},
                    {"file", array.name + ".npy"},
                    {"shape", array.shape},
                    {"file_dtype", name(file_type(type, is_whole(array)))}});
  }
  return list;
}

/// The value of a param: true or false, the name of a choice, a whole number, or a number.
Json param_value(const Op& op, const Param& param) {
  const auto info = std::find_if(op.params.begin(), op.params.end(),
                                 [&](const ParamInfo& one) { return one.name == param.name; });
  if (info == op.params.end() || !info->whole) return param.value;
  const auto whole = static_cast<std::int64_t>(param.value);
  if (info->choices.empty()) return whole;
  if (info->choices == std::vector<std::string>{"no", "yes"}) return whole != 0;
  return info->choices.at(static_cast<std::size_t>(whole));
}

Json describe(const Op& op, const Case& one) {
  Json params = Json::object();
  for (const Param& param : one.params) params[param.name] = param_value(op, param);
  return {{"op", one.op},
          {"case", one.name},
          {"description", one.description},
          {"dtype", name(one.type)},
          {"seed", one.seed},
          {"params", std::move(params)},
          {"inputs", describe(one.inputs, one.type)},
          {"outputs", describe(one.outputs, one.type)}};
}

void write_input(const fs::path& folder, const Array& array, NumberType type) {
  std::vector<float> dense;
  dense.reserve(static_cast<std::size_t>(elements(array.shape)));
  for (std::int64_t r = 0; r < array.rows(); ++r) {
    const auto row = array.row(r);
    dense.insert(dense.end(), row.begin(), row.end());
  }
  const NpyType file = file_type(type, array.whole);
  std::vector<std::byte> bytes(dense.size() * static_cast<std::size_t>(size(file)));
  if (array.whole) {
    store_whole(dense, bytes.data());
  } else {
    store(type == NumberType::f16 ? NumberType::f16 : NumberType::f32, dense, bytes.data());
  }
  write_npy(folder / (array.name + ".npy"), array.shape, file, bytes);
}

std::string readme(const Op& op, const CaseFilesOptions& options) {
  std::string text = fmt::format("Cases for {}: {}\n{}\n\n", op.name, op.what, op.precision);
  text +=
      "One folder per case. params.json has the params, and names, shapes and files of the arrays; read the "
      "inputs from\n"
      "their .npy files (row-major) and write each output beside them. Then\n\n";
  text += fmt::format("  ./rung check {} --outputs THIS_FOLDER\n\n", op.name);
  if (!op.params.empty()) text += "Params\n";
  for (const ParamInfo& param : op.params) {
    text += fmt::format(
        "  {:<16} {}{}\n", param.name, param.meaning,
        param.choices.empty() ? "" : fmt::format(" (one of: {})", fmt::join(param.choices, ", ")));
  }
  text += "Inputs\n";
  for (const ArrayInfo& array : op.inputs)
    text +=
        fmt::format("  {:<16} [{}] {}\n", array.name + ".npy", fmt::join(array.axes, ", "), array.meaning);
  text += "Outputs (yours to write)\n";
  for (const ArrayInfo& array : op.outputs)
    text +=
        fmt::format("  {:<16} [{}] {}\n", array.name + ".npy", fmt::join(array.axes, ", "), array.meaning);
  text +=
      "\ndtype   inputs are stored as                                 outputs may be stored as\n"
      "f32     float32                                              float32, float64\n"
      "f16     float16                                              float16, float32, float64\n"
      "bf16    float32 whose values are bfloat16 numbers already    uint16 (the raw bits), float32, float64\n"
      "Whole numbers (positions) are int32 whatever the dtype.\n"
      "float32 and float64 outputs are rounded to the dtype before they are judged, as a store would.\n\n";
  text += fmt::format(
      "Written by ./rung cases {} --seed {}; the check makes the same inputs again from that seed.\n",
      op.name, options.seed);
  return text;
}

/// The index of a folder of cases, checked; nothing when there is none.
/// @throws Error (bad_input) when it is there and is not what write_cases() writes
std::optional<Json> read_index(const fs::path& folder) {
  const fs::path path = folder / "cases.json";
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  if (fs::file_size(path, error) > most_index_bytes) {
    throw Error(ErrorKind::bad_input, "{}: expected at most {} bytes; write the cases anew with ./rung cases",
                path.string(), most_index_bytes);
  }
  std::ifstream file(path, std::ios::binary);
  Json index = Json::parse(file, nullptr, false);
  const auto is = [&](const char* key, auto right) { return index.contains(key) && right(index[key]); };
  const bool right =
      index.is_object() && is("format", [](const Json& v) { return v == format_version; }) &&
      is("op", [](const Json& v) { return v.is_string(); }) &&
      is("seed", [](const Json& v) { return v.is_number_unsigned(); }) &&
      is("dtypes",
         [](const Json& v) {
           return v.is_array() && !v.empty() && std::all_of(v.begin(), v.end(), [](const Json& one) {
                    return one.is_string() && number_type(one.get<std::string>());
                  });
         }) &&
      is("cases", [](const Json& v) {
        // Names of folders beside the index, never a way out of here: --force removes them.
        return v.is_array() && std::all_of(v.begin(), v.end(), [](const Json& one) {
                 return one.is_string() && !one.get<std::string>().empty() &&
                        one.get<std::string>().front() != '.' &&
                        one.get<std::string>().find('/') == std::string::npos;
               });
      });
  if (!right) {
    throw Error(ErrorKind::bad_input,
                "{}: not an index of cases of format {}; write the cases anew with ./rung cases",
                path.string(), format_version);
  }
  return index;
}

void prepare(const fs::path& folder, bool force) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    throw Error(ErrorKind::usage, "{}: expected a folder, found a file", folder.string());
  }
  const bool in_use = fs::is_directory(folder, error) && !fs::is_empty(folder, error);
  if (in_use && !force) {
    throw Error(ErrorKind::usage,
                "{}: the folder is not empty; name another one, or replace the cases in it with --force",
                folder.string());
  }
  if (in_use) {
    // Outputs of an older run must not be judged as the answer to new cases.
    if (const auto index = read_index(folder)) {
      // The index first: it says that the folder is complete, which ends here.
      fs::remove(folder / "cases.json", error);
      if (error) {
        throw Error(ErrorKind::bad_input, "{}: the old index cannot be removed: {}",
                    (folder / "cases.json").string(), error.message());
      }
      for (const Json& one : (*index)["cases"]) fs::remove_all(folder / one.get<std::string>(), error);
    }
  }
  fs::create_directories(folder, error);
  if (error)
    throw Error(ErrorKind::bad_input, "{}: the folder cannot be made: {}", folder.string(), error.message());
}

/// An output file's numbers, rounded to `type`.
std::vector<float> read_output(const fs::path& path, NumberType type, const Shape& shape) {
  const NpyArray array = read_npy(path);
  const bool wide = array.type == NpyType::float32 || array.type == NpyType::float64;
  const bool raw_bf16 = type == NumberType::bf16 && array.type == NpyType::uint16;
  const bool half = type == NumberType::f16 && array.type == NpyType::float16;
  if (!wide && !raw_bf16 && !half) {
    throw Error(ErrorKind::bad_input, "{}: expected {}float32 or float64 for a case in {}, found {}",
                path.string(),
                type == NumberType::f16    ? "float16, "
                : type == NumberType::bf16 ? "uint16 (bfloat16 bits), "
                                           : "",
                name(type), name(array.type));
  }
  if (array.shape != shape) {
    throw Error(ErrorKind::bad_input, "{}: expected shape {}, found {}", path.string(), to_string(shape),
                to_string(array.shape));
  }
  std::vector<float> numbers(static_cast<std::size_t>(elements(shape)));
  if (raw_bf16) {
    load(NumberType::bf16, array.bytes.data(), numbers);
  } else {
    const std::vector<double> values = array.as_double();
    std::transform(values.begin(), values.end(), numbers.begin(),
                   [type](double value) { return round_to(type, value); });
  }
  return numbers;
}

/// Whether the file still holds what the case has: a script may have written its result over an input.
void verify_input(const fs::path& path, const ConstTensor& input) {
  const auto changed = [&] {
    throw Error(ErrorKind::bad_input,
                "{}: the input is not what the check makes from the seed: it was changed, or written by "
                "another version; write the cases anew with ./rung cases",
                path.string());
  };
  const NpyArray array = read_npy(path);
  if (array.type != file_type(input.type, input.whole) ||
      !std::equal(array.shape.begin(), array.shape.end(), input.shape.begin(), input.shape.end())) {
    changed();
  }
  const std::vector<double> found = array.as_double();
  std::vector<float> row(static_cast<std::size_t>(input.columns()));
  for (std::int64_t r = 0; r < input.rows(); ++r) {
    const std::byte* const data = input.data + static_cast<std::size_t>(r) * input.row_bytes();
    if (input.whole) {
      load_whole(data, row);
    } else {
      load(input.type, data, row);
    }
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double now = found[static_cast<std::size_t>(r) * row.size() + i];
      const bool same = now == static_cast<double>(row[i]) || (std::isnan(now) && std::isnan(row[i]));
      if (!same) changed();
    }
  }
}

}  // namespace

std::size_t write_cases(const Op& op, const fs::path& folder, const CaseFilesOptions& options) {
  prepare(folder, options.force);
  Json types = Json::array();
  Json names = Json::array();
  for (const NumberType type : options.types) {
    types.push_back(name(type));
    for (const Case& one : all_cases(op, type, options.seed)) {
      const fs::path case_folder = folder / one.name;
      std::error_code error;
      fs::create_directories(case_folder, error);
      if (error)
        throw Error(ErrorKind::bad_input, "{}: the folder cannot be made: {}", case_folder.string(),
                    error.message());
      for (const Array& input : one.inputs) write_input(case_folder, input, one.type);
      write_file(case_folder / "params.json", describe(op, one).dump(2) + "\n");
      names.push_back(one.name);
    }
  }
  write_file(folder / "README.txt", readme(op, options));
  // Last: a folder that has its index is complete.
  const std::size_t count = names.size();
  const Json index = {{"format", format_version},
                      {"op", op.name},
                      {"seed", options.seed},
                      {"dtypes", std::move(types)},
                      {"cases", std::move(names)}};
  write_file(folder / "cases.json", index.dump(2) + "\n");
  return count;
}

CaseFolder open_cases(const fs::path& folder, std::string_view wanted) {
  const auto index = read_index(folder);
  if (!index) {
    throw Error(ErrorKind::bad_input,
                "{}: there is no cases.json: expected a folder that ./rung cases OP --out DIR wrote",
                folder.string());
  }
  CaseFolder found{.path = folder,
                   .op = (*index)["op"],
                   .seed = (*index)["seed"],
                   .types = {},
                   .types_with_outputs = {},
                   .missing = {}};
  for (const Json& type : (*index)["dtypes"]) found.types.push_back(*number_type(type.get<std::string>()));

  if (!wanted.empty() && wanted != found.op) {
    throw Error(ErrorKind::usage, "{}: holds cases of {}, not of {}", folder.string(), found.op, wanted);
  }

  std::string example;
  const Op& op = find_op(found.op);
  for (const NumberType type : found.types) {
    std::vector<std::string> missing;
    std::size_t outputs = 0;
    for (const Case& one : all_cases(op, type, found.seed)) {
      for (const OutputInfo& output : one.outputs) {
        const std::string file = output_file(one.name, output.name);
        std::error_code error;
        ++outputs;
        if (!fs::exists(folder / file, error)) missing.push_back(file);
      }
    }
    if (example.empty() && !missing.empty()) example = missing.front();
    if (missing.size() == outputs) continue;
    found.types_with_outputs.push_back(type);
    found.missing.insert(found.missing.end(), missing.begin(), missing.end());
  }
  if (found.types_with_outputs.empty()) {
    throw Error(ErrorKind::bad_input,
                "{}: no output is there; expected the kernel's results beside the inputs, in {} and so on",
                folder.string(), (folder / example).string());
  }
  return found;
}

Candidate folder_candidate(const CaseFolder& folder) {
  return {.name = folder.path.string(),
          .op = folder.op,
          .types = folder.types_with_outputs,
          .run = [path = folder.path](const Call& call) {
            for (const ConstTensor& input : call.inputs)
              verify_input(path / output_file(call.case_name, input.name), input);
            for (const MutableTensor& output : call.outputs) {
              const fs::path file = path / output_file(call.case_name, output.name);
              std::error_code error;
              if (!fs::exists(file, error))
                throw Error(ErrorKind::bad_input, "{}: the output is missing", file.string());
              const std::vector<float> numbers =
                  read_output(file, call.type, Shape(output.shape.begin(), output.shape.end()));
              for (std::int64_t r = 0; r < output.rows(); ++r) {
                const auto row = std::span(numbers).subspan(static_cast<std::size_t>(r * output.columns()),
                                                            static_cast<std::size_t>(output.columns()));
                store(call.type, row, output.data + static_cast<std::size_t>(r) * output.row_bytes());
              }
            }
          }};
}

}  // namespace rung::check
