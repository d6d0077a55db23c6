#include "core/checkpoint/split_patterns.h"

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {
namespace {

// Contractions, words, numbers and the rest, each with at most one space before it. `\s+(?!\S)` leaves the
// last space of a run to the word that follows.
constexpr std::string_view gpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::string_view each_digit = R"(\p{N})";

// Contractions in either case, numbers in groups of three, newlines apart from other spaces.
constexpr std::string_view llama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool is_llama3(std::string_view pre) {
  return pre == "llama-bpe" || pre == "llama-v3" || pre == "llama3";
}

}  // namespace

std::vector<std::string> split_patterns(std::string_view pre) {
  if (pre == "gpt-2") return {std::string(gpt2)};
  if (pre == "smollm") return {std::string(each_digit), std::string(gpt2)};
  if (is_llama3(pre)) return {std::string(llama3)};
  throw Error(
      ErrorKind::bad_input,
      "tokenizer.ggml.pre: expected a pre-tokenizer this project knows (gpt-2, smollm, llama-bpe, llama-v3, "
      "llama3), found \"{}\"; with another one the text would be split elsewhere",
      printable(pre));
}

std::string_view pre_tokenizer_name(const std::vector<std::string>& patterns, bool ignores_merges) {
  for (const std::string_view name : {"gpt-2", "smollm", "llama-bpe"}) {
    if (split_patterns(name) == patterns && pre_tokenizer_ignores_merges(name) == ignores_merges) return name;
  }
  throw Error(
      ErrorKind::bad_input,
      "this tokenizer's way to split text has no name in GGUF that this project knows (gpt-2, smollm, "
      "llama-bpe); under another one text would become other ids");
}

bool pre_tokenizer_ignores_merges(std::string_view pre) {
  return is_llama3(pre);
}

std::string_view gpt2_split_pattern() {
  return gpt2;
}

}  // namespace rung
