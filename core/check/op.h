#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/case.h"
#include "core/check/random.h"

namespace rung::check {

/// What a param means.
struct ParamInfo {
  std::string name;
  std::string meaning;
  bool whole = true;                      ///< a whole number
  std::vector<std::string> choices = {};  ///< names of the values 0, 1, …; empty for a number
};

/// What an input or output means: "activations", axes {"M", "K"}.
struct ArrayInfo {
  std::string name;
  std::string meaning;
  std::vector<std::string> axes = {};
};

/// What one output must be and how wrong it may be: per element, without gaps.
struct Reference {
  std::vector<double> value;         ///< the fp64 oracle's
  std::vector<double> accumulated;   ///< √K·Σ|a||b|: what the accumulator's round-off is multiplied with
  std::vector<double> intermediate;  ///< the op's declared intermediate rounding, absolute
};

/// One shape with one style of inputs. Its draws become a group of cases.
struct Problem {
  std::string description;  ///< "M=33 N=65 K=129, outliers x20"
  int draws = 1;
  bool normal = false;  ///< inputs are N(0, 1): what people usually test with
  /// The params, inputs and outputs of one draw; the rest of the case is filled in by draw_cases().
  std::function<Case(NumberType, Random&)> draw;
};

/// A problem whose result is known without an oracle.
struct Probe {
  Case problem;
  std::vector<double> expected;  ///< of the first output
  /// |o − e| <= ulps·2u·|e|. Where e is 0, and everywhere for 0 ulps, the result must be exact.
  double ulps = 0;
  std::string what;  ///< what a failure means, as a sentence
};

/// What a mistake leaves to chance in a case: past the end of a type's range one exp gives infinity and
/// another its largest number, and what becomes of them hangs on how the rest is written.
struct Chance {
  std::vector<std::vector<bool>> numbers;  ///< of every output: whether this number may be anything
  bool surely_wrong = false;               ///< but not all of the case's numbers can be right
};

/// A wrong variant of the oracle, in double, that people really write.
struct Mistake {
  std::string name;               ///< "kv_head_modulo"
  std::string sentence;           ///< "KV head of query head h taken as h % G; it is h / (H / G)"
  std::vector<NumberType> types;  ///< at which the standard must reject it
  std::function<Values(const Case&)> run;
  /// The same in the arithmetic that a kernel would use (fp32), for the tests that it is caught and named.
  std::function<Values(const Case&)> kernel;
  std::function<Chance(const Case&)> chance = nullptr;  ///< empty: nothing is left to chance
};

/// A right variant at working precision, with another order of the same arithmetic. It must pass.
struct Reordering {
  std::string name;  ///< "pairwise sum"
  std::function<Values(const Case&)> run;
};

/// Everything the harness knows about one op.
struct Op {
  std::string name;
  int chapter = 0;        ///< that teaches it
  std::string what;       ///< the formula, one line
  std::string precision;  ///< what is done in which precision, and what may be rounded in between
  std::vector<ParamInfo> params;
  std::vector<ArrayInfo> inputs;
  std::vector<ArrayInfo> outputs;
  std::vector<std::string> in_place = {};  ///< inputs of the first output's shape; see Candidate::in_place
  bool deterministic = true;               ///< a second run must give the same bits

  /// The op's edge shapes and input styles, in order; the same list for every type.
  std::vector<Problem> problems;
  std::function<std::vector<Reference>(const Case&)> reference;
  /// The plain sequential loop at the case's precision: its error is what one may expect.
  std::function<Values(const Case&)> baseline;
  /// The same loop with a sum that all numbers of a row depend on taken in a drawn order; empty where the op
  /// has no such sum, or enough draws without. See baseline_runs() in budget.h.
  std::function<Values(const Case&, Random&)> shuffled_baseline = nullptr;
  std::function<std::vector<Probe>(NumberType)> probes;
  std::vector<Mistake> mistakes;
  std::vector<Reordering> reorderings;
};

/// All ops: rmsnorm, rope, softmax, attention, swiglu, linear.
const std::vector<Op>& ops();
/// Ops that only kernels are judged by, for no chapter before 13 has a function of its own for them: add, embedding,
/// add_rmsnorm. They have no place in the C ABI, and find_op() does not know them.
const std::vector<Op>& kernel_ops();
/// One of them. @throws Error (usage) listing the names there are
const Op& find_kernel_op(std::string_view name);
/// @throws Error (usage) listing the names there are
const Op& find_op(std::string_view name);

/// The cases of problem number `problem`, one per draw, from the stream that `seed`, op, type and number
/// give.
std::vector<Case> draw_cases(const Op& op, NumberType type, std::size_t problem, std::uint64_t seed);

/// The seed of the cases that `./rung cases` writes and `./rung check` runs.
inline constexpr std::uint64_t default_seed = 20250101;

}  // namespace rung::check
