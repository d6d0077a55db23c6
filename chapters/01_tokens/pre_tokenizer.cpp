#include "chapters/01_tokens/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {
namespace {

// Patterns are written for Oniguruma and Rust's regex, whose \s is Unicode's White_Space; PCRE2's adds
// U+180E, which Unicode has not called a space since 6.3.
std::string with_unicode_spaces(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's')
      out += R"(\p{White_Space})";
    else if (escaped == 'S')
      out += R"(\P{White_Space})";
    else
      (out += '\\') += escaped;
  }
  return out;
}

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

/// One compiled pattern.
class PreTokenizer::Pattern {
 public:
  explicit Pattern(const std::string& pattern) : text_(pattern) {
    const std::string converted = with_unicode_spaces(pattern);
    int error = 0;
    PCRE2_SIZE where = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(converted.data()), converted.size(),
                              PCRE2_UTF | PCRE2_UCP, &error, &where, nullptr));
    if (!code_) {
      PCRE2_UCHAR message[160] = {};
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorKind::bad_input, "tokenizer: its split pattern \"{}\" is not understood: {}",
                  printable(pattern, 80), reinterpret_cast<const char*>(message));
    }
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without JIT it is slower, and that is all
  }

  using MatchData = std::unique_ptr<pcre2_match_data, Free>;
  MatchData match_data() const {
    return MatchData(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }

  /// Finds the first match that is not empty at or after `from`; false when there is none.
  bool find(std::string_view text, std::size_t from, pcre2_match_data* data, std::size_t& begin,
            std::size_t& end) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    // The text is checked once, by the tokenizer; checking it again at every match would make splitting
    // O(n²).
    std::uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    int found = pcre2_match(code_.get(), subject, text.size(), from, options, data, nullptr);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = pcre2_match(code_.get(), subject, text.size(), from, options | PCRE2_NO_JIT, data, nullptr);
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found < 0)
      throw Error(ErrorKind::bad_input,
                  "tokenizer: its split pattern \"{}\" takes too much time or memory on this text",
                  printable(text_, 80));
    begin = pcre2_get_ovector_pointer(data)[0];
    end = pcre2_get_ovector_pointer(data)[1];
    return true;
  }

 private:
  std::string text_;
  std::unique_ptr<pcre2_code, Free> code_;
};

PreTokenizer::PreTokenizer(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) patterns_.push_back(std::make_unique<Pattern>(pattern));
}

PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

void PreTokenizer::split(std::string_view text, const std::function<void(std::string_view)>& word) const {
  split_from(0, text, word);
}

void PreTokenizer::split_from(std::size_t pattern, std::string_view text,
                              const std::function<void(std::string_view)>& word) const {
  if (text.empty()) return;
  if (pattern == patterns_.size()) {
    word(text);
    return;
  }
  const auto data = patterns_[pattern]->match_data();
  std::size_t done = 0, begin = 0, end = 0;
  while (done < text.size() && patterns_[pattern]->find(text, done, data.get(), begin, end)) {
    if (begin >= end || begin < done) break;  // \K can do that; no split pattern has a use for it
    split_from(pattern + 1, text.substr(done, begin - done), word);
    split_from(pattern + 1, text.substr(begin, end - begin), word);
    done = end;
  }
  split_from(pattern + 1, text.substr(done), word);
}

}  // namespace rung
