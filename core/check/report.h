#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/number_type.h"
#include "core/tensor/shape.h"

namespace rung::check {

/// The parts of the standard, in the order they are tried.
enum class Rule { integrity, structure, element, rms, row };
/// "element", as reports write it.
std::string_view name(Rule rule);

/// The element that used most of its budget (or the first that could not be judged).
struct WorstElement {
  std::string output;
  Shape index;        ///< one number per dimension
  std::string where;  ///< "[m=32,n=0]"
  double got = 0;
  double want = 0;
  double percent = 0;  ///< of the element bound; infinity where the bound is 0 or the result is not a number
};

/// How a candidate did on one case (rms and row: on its whole group).
struct CaseVerdict {
  std::string case_name;
  std::string description;
  std::uint64_t seed = 0;
  bool judged = true;  ///< false: the candidate does not do this case, and the rest says nothing
  bool passed = true;
  std::optional<Rule> failed;  ///< the first rule that failed
  std::string message;         ///< why, one line; empty when it passed
  bool added_to = false;       ///< an output was added to, not overwritten
  bool deviates = false;  ///< the numbers themselves are off, by whatever rule; not set by integrity alone
  double percent = 0;     ///< the largest share of any rule's budget that was used
  std::optional<WorstElement> worst;
};

/// A known mistake that gives the candidate's results.
struct MatchedMistake {
  std::string name;
  std::string sentence;
  int chapter = 0;
};

/// How a candidate did on all cases and probes of an op at one type.
struct Report {
  std::string op;
  std::string candidate;
  NumberType type = NumberType::f32;
  bool passed = true;
  double percent = 0;  ///< the largest share of any budget used
  std::vector<CaseVerdict> cases;
  std::optional<MatchedMistake> matched;

  /// Cases that did not pass.
  int failed_cases() const;
  /// All but those that the candidate does not do.
  int judged_cases() const;
  /// The problems that the candidate does not do, each once, "M=5 N=33 K=1, N(0,1)".
  std::vector<std::string> not_supported() const;
  /// The verdict to show first. Among the failed: one whose memory or exact result is wrong before one whose
  /// numbers are off, then the one that used most of its budget. When none failed, the one that used most.
  const CaseVerdict* worst() const;
};

/// Two numbers that differ, with as many digits as it takes to see it: six, nine, or all.
struct NumberPair {
  std::string first;
  std::string second;
};
/// Writes both with the same number of digits, the least that tells them apart.
NumberPair tell_apart(double first, double second);

/// One line per report, and one more where cases were not judged; for a failure also the worst element, the
/// rule, the case with its seed, and the matched mistake. `all_cases` adds a line per case.
std::string to_text(const Report& report, bool all_cases = false);
/// The same as a JSON object.
std::string to_json(const Report& report);

}  // namespace rung::check
