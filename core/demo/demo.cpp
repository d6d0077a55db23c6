#include "core/demo/demo.h"

namespace rung {

void DemoText::write(const std::string& text) {
  if (quiet_) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);  // what comes next may take seconds
}

std::string in_quotes(std::string_view text, char mark) {
  std::string result(1, mark);
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else {
      result += c;
    }
  }
  return result + mark;
}

std::vector<std::int32_t> any_tokens(std::int64_t count, std::int64_t vocab) {
  constexpr std::int64_t stride = 7919;  // a prime, so that ids repeat only after `vocab` of them
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<std::int32_t>(stride * i % vocab));
  return tokens;
}

}  // namespace rung
