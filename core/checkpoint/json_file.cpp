#include "core/checkpoint/json_file.h"

#include <nlohmann/json.hpp>

#include "core/checkpoint/mapped_file.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {
constexpr int deepest = 32;
}

void fail_as_json(const std::filesystem::path& file, std::string_view what) {
  // The library begins with its own name in brackets.
  const std::size_t bracket = what.find("] ");
  if (bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
  throw Error(ErrorKind::bad_input, "{}: is not valid JSON: {}", file.string(), printable(what, 160));
}

nlohmann::json read_json_object(const std::filesystem::path& file, std::size_t most_bytes) {
  const MappedFile mapped = MappedFile::open(file);
  if (mapped.bytes().size() > most_bytes) {
    throw Error(ErrorKind::bad_input, "{}: {} bytes are too many; at most {} are read", file.string(),
                mapped.bytes().size(), most_bytes);
  }
  const auto* text = reinterpret_cast<const char*>(mapped.bytes().data());
  const auto refuse_depth = [&file](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > deepest) {
      throw Error(ErrorKind::bad_input, "{}: is nested deeper than {} levels", file.string(), deepest);
    }
    return true;
  };
  nlohmann::json result;
  try {
    result = nlohmann::json::parse(text, text + mapped.bytes().size(), refuse_depth);
  } catch (const nlohmann::json::exception& error) {
    fail_as_json(file, error.what());
  }
  if (!result.is_object()) {
    throw Error(ErrorKind::bad_input, "{}: expected a JSON object, found {}", file.string(),
                result.type_name());
  }
  return result;
}

}  // namespace rung
