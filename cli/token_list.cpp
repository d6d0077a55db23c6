#include "cli/token_list.h"

#include <algorithm>
#include <charconv>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

std::vector<std::int32_t> parse_token_list(std::string_view text, std::string_view option) {
  constexpr std::string_view separators = " ,\t\r\n";
  std::vector<std::int32_t> ids;
  for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;
       at = text.find_first_not_of(separators, at)) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    std::int32_t id = -1;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size() || id < 0)
      throw Error(ErrorKind::usage, "{}: expected token ids such as \"1 2 3\", found \"{}\"", option,
                  printable(word, 40));
    ids.push_back(id);
    at = end;
  }
  return ids;
}

}  // namespace rung
