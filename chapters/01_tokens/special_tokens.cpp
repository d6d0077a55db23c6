#include "chapters/01_tokens/special_tokens.h"

#include <algorithm>
#include <functional>

namespace rung {

void SpecialTokens::add(const std::string& text, std::int32_t id, bool control) {
  if (text.empty()) return;
  std::vector<std::size_t>& lengths = lengths_[static_cast<std::uint8_t>(text[0])];
  if (lengths.empty()) first_bytes_ += text[0];
  const auto place = std::lower_bound(lengths.begin(), lengths.end(), text.size(), std::greater<>());
  if (place == lengths.end() || *place != text.size()) lengths.insert(place, text.size());
  tokens_.emplace(text, Token{id, control});
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, std::size_t from,
                                                        bool control) const {
  for (std::size_t at = text.find_first_of(first_bytes_, from); at != std::string_view::npos;
       at = text.find_first_of(first_bytes_, at + 1)) {
    for (const std::size_t length : lengths_[static_cast<std::uint8_t>(text[at])]) {
      if (length > text.size() - at) continue;
      const auto found = tokens_.find(text.substr(at, length));
      if (found != tokens_.end() && (control || !found->second.control))
        return Match{at, at + length, found->second.id, found->second.control};
    }
  }
  return std::nullopt;
}

}  // namespace rung
