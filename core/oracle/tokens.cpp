#include "core/oracle/tokens.h"

#include <array>
#include <cstddef>

namespace rung::oracle {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

// UTF-8 of a code point below U+0800.
std::string short_utf8(int code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 + code / 64), static_cast<char>(0x80 + code % 64)};
}

std::vector<std::string> byte_spellings() {
  std::vector<std::string> spellings;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);  // not space, controls, soft hyphen
    spellings.push_back(short_utf8(printable ? byte : next++));
  }
  return spellings;
}

// The length that a character of this first byte has, or 0.
std::size_t length_by_lead(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC0 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF8) return 4;
  return 0;
}

// Whether the bytes are one well-formed character.
bool is_character(std::string_view bytes) {
  const std::size_t length = length_by_lead(byte_at(bytes, 0));
  if (length == 0 || bytes.size() != length) return false;
  constexpr std::array<std::uint32_t, 5> lead_bits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code = byte_at(bytes, 0) & lead_bits[length];
  for (std::size_t i = 1; i < length; ++i) {
    if (byte_at(bytes, i) / 64 != 2) return false;
    code = code * 64 + byte_at(bytes, i) % 64;
  }
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};  // below: overlong
  return code >= smallest[length] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

// Whether more bytes can make a character of these.
bool can_be_completed(std::string_view bytes) {
  const std::size_t length = length_by_lead(byte_at(bytes, 0));
  if (bytes.size() >= length) return false;
  const std::string low(length - bytes.size(), '\x80'), high(length - bytes.size(), '\xBF');
  return is_character(std::string(bytes) + low) || is_character(std::string(bytes) + high);
}

}  // namespace

std::vector<std::int32_t> bpe(std::vector<std::int32_t> word, const std::vector<BpeMerge>& merges) {
  for (;;) {
    const BpeMerge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      for (const BpeMerge& merge : merges) {
        if (merge.left != word[i] || merge.right != word[i + 1]) continue;
        if (best == nullptr || merge.rank < best->rank) {
          best = &merge;
          at = i;
        }
        break;  // the first word on a pair stands
      }
    }
    if (best == nullptr) return word;
    word[at] = best->merged;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::string spelled_bytes(std::string_view bytes) {
  const std::vector<std::string> spellings = byte_spellings();
  std::string spelled;
  for (std::size_t i = 0; i < bytes.size(); ++i) spelled += spellings[byte_at(bytes, i)];
  return spelled;
}

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  const std::vector<std::string> spellings = byte_spellings();
  std::string bytes;
  while (!spelling.empty()) {
    int found = -1;
    for (int byte = 0; byte < 256; ++byte)
      if (spelling.starts_with(spellings[static_cast<std::size_t>(byte)])) found = byte;
    if (found < 0) return std::nullopt;
    bytes += static_cast<char>(found);
    spelling.remove_prefix(spellings[static_cast<std::size_t>(found)].size());
  }
  return bytes;
}

std::vector<std::string> utf8_stream(const std::vector<std::optional<std::string>>& calls) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::vector<std::string> results;
  std::string waiting;
  for (const auto& call : calls) {
    std::string out;
    waiting += call.value_or("");
    while (!waiting.empty()) {
      std::size_t length = length_by_lead(byte_at(waiting, 0));
      if (length > 0 && length <= waiting.size() && is_character(waiting.substr(0, length))) {
        out += waiting.substr(0, length);
      } else if (call && can_be_completed(waiting)) {
        break;
      } else {
        out += replacement;
        length = 1;
      }
      waiting.erase(0, length);
    }
    results.push_back(out);
  }
  return results;
}

std::vector<std::int32_t> chatml(std::string_view system, const std::vector<std::string>& user_turns) {
  std::vector<std::int32_t> ids;
  const auto text = [&](std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) ids.push_back(byte_at(bytes, i));
  };
  const auto message = [&](std::string_view role, std::string_view words) {
    ids.push_back(im_start);
    text(role);
    text("\n");
    text(words);
    ids.push_back(im_end);
    text("\n");
  };
  for (std::size_t turn = 0; turn < user_turns.size(); ++turn) {
    if (turn == 0 && !system.empty()) message("system", system);
    if (turn > 0) {  // behind the model's last answer
      ids.push_back(im_end);
      text("\n");
    }
    message("user", user_turns[turn]);
    ids.push_back(im_start);
    text("assistant\n");
  }
  return ids;
}

}  // namespace rung::oracle
