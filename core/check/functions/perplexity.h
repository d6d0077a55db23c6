#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// Chapter 08's measures of a model's text: what they take, and their checks.

namespace rung::check {

/// A question about the perplexity of a text.
struct PerplexityInput {
  /// What is asked, and what comes back.
  enum class Rule {
    chunks,             ///< first, length and first scored token of each window of `tokens` tokens
    strides,            ///< the same of the windows that overlap
    cross_entropies,    ///< of each row of logits
    log_probabilities,  ///< of the one row of logits
    mean,               ///< of `entropies`, and its standard error
    perplexity,         ///< the perplexity of `entropies`, and its standard error
    refusal,            ///< whether a call is refused, see perplexity_refusals()
  };
  Rule rule = Rule::chunks;
  std::int64_t tokens = 0, context = 0, stride = 0;
  std::int64_t first = 0;  ///< position of the first row
  std::vector<std::vector<double>> logits = {};
  std::int64_t between = 0;  ///< numbers that belong to nobody, behind every row
  std::vector<std::int32_t> ids = {};
  std::vector<double> entropies = {};
  std::size_t call = 0;  ///< of Rule::refusal: the index in perplexity_refusals()
};

/// Numbers, or the kind of the Error with which a call was refused.
struct PerplexityOutput {
  std::vector<double> numbers = {};
  std::string refused = {};  ///< "usage" or "bad_input"; of Rule::refusal only
  friend bool operator==(const PerplexityOutput&, const PerplexityOutput&) = default;
};

/// One call that may have to be refused.
struct PerplexityRefusal {
  std::string name;  ///< "token-v"
  std::string what;  ///< in a few words
  std::string kind;  ///< "usage" or "bad_input"; empty where it is not to be refused
};
/// The calls of Rule::refusal.
std::vector<PerplexityRefusal> perplexity_refusals();

/// Chapter 08's windows, cross entropies and perplexity.
FunctionCheck<PerplexityInput, PerplexityOutput> perplexity_check();

/// Logits of two models at one position; KL(P‖Q) comes back.
struct KlInput {
  std::vector<double> p_logits, q_logits;
};
/// Chapter 08's KL divergence.
FunctionCheck<KlInput, double> kl_divergence_check();

}  // namespace rung::check
