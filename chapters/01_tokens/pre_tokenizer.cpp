#include "chapters/01_tokens/pre_tokenizer.h"

#include <algorithm>
#include <optional>

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

// A pattern read from left to right, as far as it must be understood to see where the two languages differ.
class Dialect {
 public:
  explicit Dialect(std::string_view pattern) : pattern_(pattern) {}

  /// What Oniguruma, which Hugging Face's tokenizers use, and PCRE2 read differently, or only one of them
  /// knows; empty when there is nothing of it.
  std::string_view difference() const {
    std::optional<std::size_t> class_start;  // where the first character of the class is that we are in
    // Behind the beginning, (?i) holds for other alternatives.
    for (std::size_t i = pattern_.starts_with("(?i)") ? 4 : 0; i < pattern_.size(); ++i) {
      const std::string_view rest = pattern_.substr(i);
      if (rest[0] == '\\') {
        if (!known_escape(rest)) return rest.substr(0, 2);
        i += escape_length(rest) - 1;
      } else if (class_start) {
        if (rest[0] == '[' || rest.starts_with("&&")) return rest.substr(0, 2);  // sets of sets
        if (rest[0] == ']' && i != *class_start) class_start.reset();  // first, it stands for itself
      } else if (rest[0] == '[') {
        class_start = i + (rest.starts_with("[^") ? 2 : 1);
        i = *class_start - 1;
      } else if (const std::size_t length = strange_length(rest); length > 0) {
        return rest.substr(0, length);
      }
    }
    return "";
  }

 private:
  static bool known_escape(std::string_view rest) {
    if (rest.size() < 2) return true;  // PCRE2 complains
    const char c = rest[1];
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return !letter || std::string_view("sSdDpPnrtfx").find(c) != std::string_view::npos;
  }

  // `\p{L}` and `\x{41}` go on to the brace.
  static std::size_t escape_length(std::string_view rest) {
    const std::size_t brace = rest.find('}');
    return rest.size() > 2 && rest[2] == '{' && brace != std::string_view::npos ? brace + 1 : 2;
  }

  // Outside a class: how many characters of something that is read differently stand here, or 0.
  static std::size_t strange_length(std::string_view rest) {
    if (rest[0] == '^' || rest[0] == '$') return 1;  // the ends of a line, or those of the text
    if (rest.starts_with("(*")) return 2;
    if (rest.starts_with("(?")) {
      for (const std::string_view group : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"})
        if (rest.starts_with(group)) return 0;
      return std::min<std::size_t>(3, rest.size());
    }
    if (rest[0] != '{') return 0;
    // x{2,3}+ is any number of them, or possessive; x{2}? is two or none, or two; x{,3} is at most three, or
    // five characters.
    const std::string_view braces = rest.substr(0, rest.find('}') + 1);
    const std::string_view after = rest.substr(braces.size());
    const bool exact = braces.find(',') == std::string_view::npos;
    if (braces.starts_with("{,")) return 2;
    return after.starts_with('+') || (exact && after.starts_with('?')) ? braces.size() + 1 : 0;
  }

  std::string_view pattern_;
};

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

/// One compiled pattern.
class PreTokenizer::Pattern {
 public:
  explicit Pattern(const std::string& pattern) : text_(pattern) {
    if (const std::string_view difference = Dialect(pattern).difference(); !difference.empty())
      throw Error(ErrorKind::bad_input,
                  "tokenizer: its split pattern \"{}\" has \"{}\", which is not supported: PCRE2 reads it "
                  "otherwise than Oniguruma, for which it was written",
                  printable(pattern, 80), printable(difference));
    const std::string converted = with_unicode_spaces(pattern);
    int error = 0;
    PCRE2_SIZE where = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(converted.data()), converted.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &where, nullptr));
    if (!code_) {
      PCRE2_UCHAR message[160] = {};
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorKind::bad_input, "tokenizer: its split pattern \"{}\" is not understood: {}",
                  printable(pattern, 80), reinterpret_cast<const char*>(message));
    }
    std::uint32_t may_be_empty = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_MATCHEMPTY, &may_be_empty);
    if (may_be_empty != 0)  // Hugging Face's tokenizers cut where nothing is found, too
      throw Error(ErrorKind::bad_input,
                  "tokenizer: its split pattern \"{}\" can match an empty text, which is not supported",
                  printable(pattern, 80));
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without JIT it is slower, and that is all
  }

  using MatchData = std::unique_ptr<pcre2_match_data, Free>;
  MatchData match_data() const {
    return MatchData(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }

  /// Finds the first match at or after `from`; false when there is none.
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
    split_from(pattern + 1, text.substr(done, begin - done), word);
    split_from(pattern + 1, text.substr(begin, end - begin), word);
    done = end;
  }
  split_from(pattern + 1, text.substr(done), word);
}

}  // namespace rung
