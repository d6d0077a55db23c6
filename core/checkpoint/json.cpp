#include "core/checkpoint/json.h"

#include <fstream>
#include <string>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {
namespace {

constexpr int deepest = 64;

// Counts brackets outside strings. The library's own way, a callback for each value, makes it walk all
// earlier elements of an array at the end of each: quadratic in what a crafted file may hold.
bool nests_too_deeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;  // whatever it is, it does not end the string
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::filesystem::path& file) {
  using nlohmann::json;
  if (nests_too_deeply(text))
    throw Error(ErrorKind::bad_input, "{}: expected JSON nested at most {} deep, found more", file.string(),
                deepest);
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::exception& error) {  // mostly parse_error, but a number too large is another one
    fail_as_json(file, error);
  }
}

void fail_as_json(const std::filesystem::path& file, const nlohmann::json::exception& error) {
  std::string_view what = error.what();
  const std::size_t bracket = what.find("] ");  // the library begins with its own name in brackets
  if (bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
  throw Error(ErrorKind::bad_input, "{}: expected JSON, found a mistake; is the file complete? {}",
              file.string(), printable(what, 160));
}

nlohmann::json read_json(const std::filesystem::path& file, std::uintmax_t largest) {
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
