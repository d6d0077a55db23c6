#include "chapters/01_tokens/special_tokens.h"

#include <algorithm>

namespace rung {

void SpecialTokens::add(const std::string& text, std::int32_t id, bool control) {
  if (text.empty()) return;
  std::vector<Entry>& entries = by_first_byte_[static_cast<std::uint8_t>(text[0])];
  if (entries.empty()) first_bytes_ += text[0];
  const auto shorter = [&](const Entry& entry) { return entry.text.size() < text.size(); };
  entries.insert(std::find_if(entries.begin(), entries.end(), shorter), {text, id, control});
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, std::size_t from,
                                                        bool control) const {
  for (std::size_t at = text.find_first_of(first_bytes_, from); at != std::string_view::npos;
       at = text.find_first_of(first_bytes_, at + 1)) {
    for (const Entry& entry : by_first_byte_[static_cast<std::uint8_t>(text[at])])
      if ((control || !entry.control) && text.substr(at).starts_with(entry.text))
        return Match{at, at + entry.text.size(), entry.id, entry.control};
  }
  return std::nullopt;
}

}  // namespace rung
