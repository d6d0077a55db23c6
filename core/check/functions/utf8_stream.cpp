#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/show.h"
#include "core/check/functions/tokens.h"

namespace rung::check {
namespace {

using Output = std::vector<std::string>;
using Calls = std::vector<std::optional<std::string>>;

constexpr std::string_view replacement = "\xEF\xBF\xBD";

Output printed_at_once(const Utf8StreamInput& input) {
  Output results;
  for (const auto& call : input.calls) results.push_back(call.value_or(""));
  return results;
}

// Each call for itself: the beginning of a character at its end is replaced as one.
Output nothing_waits(const Utf8StreamInput& input) {
  Output results;
  for (const auto& call : input.calls) {
    const Output both = oracle::utf8_stream({call.value_or(""), std::nullopt});
    results.push_back(both[0]);
    if (!both[1].empty()) results.back() += replacement;
  }
  return results;
}

Output dropped_at_end(const Utf8StreamInput& input) {
  Output results = oracle::utf8_stream(input.calls);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (!input.calls[i]) results[i].clear();
  return results;
}

Output one_for_all_at_end(const Utf8StreamInput& input) {
  Output results = dropped_at_end(input);
  const Output right = oracle::utf8_stream(input.calls);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (!right[i].empty() && !input.calls[i]) results[i] = replacement;
  return results;
}

// What the end of one text has written is written again in the next one.
Output not_emptied_at_end(const Utf8StreamInput& input) {
  Calls calls;
  std::string kept;
  Output results;
  for (const auto& call : input.calls) {
    calls.push_back(call ? kept + *call : call);
    if (call) kept.clear();
    const Output so_far = oracle::utf8_stream(calls);
    results.push_back(so_far.back());
    if (!call) {  // the bytes that waited, one for each U+FFFD
      std::string all;
      for (const auto& before : calls) all += before.value_or("");
      kept = all.substr(all.size() - so_far.back().size() / replacement.size());
      calls.clear();
    }
  }
  return results;
}

// Replacements that stand side by side in one call become one.
Output one_for_a_broken_character(const Utf8StreamInput& input) {
  Output results = oracle::utf8_stream(input.calls);
  const std::string two = std::string(replacement) + std::string(replacement);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!input.calls[i]) continue;
    for (std::size_t at = results[i].find(two); at != std::string::npos; at = results[i].find(two))
      results[i].erase(at, replacement.size());
  }
  return results;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// U+FFFD left out of what push() lets through, and if `genuine` those too that stand in the text.
Output left_out(const Utf8StreamInput& input, bool genuine) {
  constexpr std::string_view in_between = "\xEE\x80\x80";  // U+E000, which no case has
  Calls calls = input.calls;
  for (auto& call : calls)
    if (call && !genuine) replace_all(*call, replacement, in_between);
  Output results = oracle::utf8_stream(calls);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (calls[i]) replace_all(results[i], replacement, "");
    replace_all(results[i], in_between, replacement);
  }
  return results;
}

Output invalid_left_out(const Utf8StreamInput& input) {
  return left_out(input, false);
}

Output replacement_left_out(const Utf8StreamInput& input) {
  Output results = oracle::utf8_stream(input.calls);
  const Output fewer = left_out(input, true);
  for (std::size_t i = 0; i < results.size(); ++i) {
    // Where the text has one itself; those of invalid bytes stay.
    if (input.calls[i] && input.calls[i]->find(replacement) != std::string::npos) results[i] = fewer[i];
  }
  return results;
}

// Each call's bytes as a C string, which ends at the first 0x00.
Output ends_at_nul(const Utf8StreamInput& input) {
  Calls calls = input.calls;
  for (auto& call : calls)
    if (call) call->resize(std::min(call->size(), call->find('\0')));
  return oracle::utf8_stream(calls);
}

}  // namespace

FunctionCheck<Utf8StreamInput, Output> utf8_stream_check() {
  FunctionCheck<Utf8StreamInput, Output> check;
  check.name = "utf8_stream";
  check.chapter = 1;
  check.what = "bytes let through as whole characters";
  const auto end = std::nullopt;
  check.cases = {
      {"plain", "push(\"ab\"), push(\"c\"), finish()", {{"ab", "c", end}}},
      {"whole", "push of the two bytes of an e with an accent", {{"\xC3\xA9", end}}},
      {"halves", "those two bytes in two calls", {{"caf\xC3", "\xA9!", end}}},
      {"four-calls", "the four bytes of an emoji in four calls", {{"\xF0", "\x9F", "\x98", "\x80", end}}},
      {"nothing-new", "the beginning of a character, push(\"\"), the rest", {{"\xE2\x82", "", "\xAC", end}}},
      {"nul",
       "a byte 0x00 between a and b, which is a character like others",
       {{std::string("a\0b", 3), "c", end}}},
      {"genuine",
       "U+FFFD in the text itself, which is a character like others",
       {{"a\xEF\xBF\xBD"
         "b",
         end}}},
      {"invalid",
       "push(\"a\\xFF\" \"b\"): 0xFF is in no character",
       {{"a\xFF"
         "b",
         end}}},
      {"broken-off", "the beginning of a character, then a letter", {{"\xE2\x82", "x", end}}},
      {"overlong", "0xC0 0x80, which is no character", {{"\xC0", "\x80", end}}},
      {"surrogate", "0xED 0xA0 0x80, half of a pair of UTF-16", {{"\xED", "\xA0\x80", end}}},
      {"unfinished", "three bytes of an emoji, finish()", {{"\xF0\x9F\x98", end}}},
      {"next-text", "half a character, finish(), and a text after it", {{"\xC3", end, "ok", end}}},
      {"empty", "finish() alone", {{end}}},
  };
  check.oracle = [](const Utf8StreamInput& input) { return oracle::utf8_stream(input.calls); };
  check.mistakes = {
      {"printed_at_once", "bytes went through as they came; the beginning of a character waits for its rest",
       printed_at_once},
      {"nothing_waits",
       "the beginning of a character was replaced at the end of a call; it waits for the next one",
       nothing_waits},
      {"dropped_at_end", "what waited at the end of the text was dropped; each byte of it becomes U+FFFD",
       dropped_at_end},
      {"one_for_all_at_end", "what waited at the end of the text became one U+FFFD; it is one for each byte",
       one_for_all_at_end},
      {"not_emptied_at_end",
       "what waited at the end of a text came again in the next one; finish() leaves nothing waiting",
       not_emptied_at_end},
      {"one_for_a_broken_character",
       "the bytes of a character that is broken off became one U+FFFD; it is one for each byte that is in no "
       "character",
       one_for_a_broken_character},
      {"replacement_left_out", "U+FFFD left out where the text itself has one; it is a character like others",
       replacement_left_out},
      {"ends_at_nul",
       "what stands behind a byte 0x00 was lost, as in a C string; a string_view knows its length",
       ends_at_nul},
      {"invalid_left_out", "invalid bytes were left out; each becomes U+FFFD, so that one sees them",
       invalid_left_out},
  };
  check.show = [](const Output& results) {
    std::vector<std::string> shown;
    shown.reserve(results.size());
    for (const std::string& result : results) shown.push_back(show_bytes(result));
    return fmt::format("{}", fmt::join(shown, ", "));
  };
  return check;
}

}  // namespace rung::check
