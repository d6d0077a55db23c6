#include "core/checkpoint/json.h"

#include <fstream>
#include <string>

#include "core/error.h"

namespace rung {
namespace {

constexpr int deepest = 64;
constexpr std::uintmax_t largest = std::uintmax_t{128} << 20;

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::filesystem::path& file) {
  using nlohmann::json;
  const auto guard = [&](int depth, json::parse_event_t, json&) {
    if (depth > deepest)
      throw Error(ErrorKind::bad_input, "{}: expected JSON nested at most {} deep, found more", file.string(),
                  deepest);
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), guard);
  } catch (const json::parse_error& error) {
    throw Error(ErrorKind::bad_input, "{}: expected JSON, found a mistake at byte {}; is the file complete?",
                file.string(), error.byte);
  }
}

nlohmann::json read_json(const std::filesystem::path& file) {
  std::error_code code;
  const std::uintmax_t size = std::filesystem::file_size(file, code);
  if (code)
    throw Error(ErrorKind::bad_input, "{}: expected a JSON file, but {}", file.string(), code.message());
  if (size > largest)
    throw Error(ErrorKind::bad_input, "{}: expected a JSON file of at most {} bytes, found {}", file.string(),
                largest, size);
  std::string text(size, '\0');
  std::ifstream in(file, std::ios::binary);
  if (!in.read(text.data(), static_cast<std::streamsize>(size)))
    throw Error(ErrorKind::bad_input, "{}: could not be read", file.string());
  return parse_json(text, file);
}

}  // namespace rung
