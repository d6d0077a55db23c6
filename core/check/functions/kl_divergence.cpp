#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>

#include "core/check/functions/doubles.h"
#include "core/check/functions/perplexity.h"
#include "core/check/functions/show.h"
#include "core/oracle/perplexity.h"

namespace rung::check {
namespace {

using KlMistake = FunctionMistake<KlInput, double>;

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// A token's part of a wrong sum, of the logarithms of its two probabilities.
using KlTerm = std::function<double(double log_p, double log_q)>;
using KlRun = std::function<double(const KlInput&)>;

KlRun kl_sum(const KlTerm& term) {
  return [term](const KlInput& input) {
    double sum = 0;
    for (std::size_t i = 0; i < input.p_logits.size(); ++i) {
      const auto token = static_cast<std::int64_t>(i);
      sum += term(-oracle::token_cross_entropy(input.p_logits, token),
                  -oracle::token_cross_entropy(input.q_logits, token));
    }
    return sum;
  };
}

/// The same through the probabilities, whose logarithm is taken again.
KlRun kl_of_probabilities(const std::function<double(double p, double q)>& term) {
  return kl_sum([term](double log_p, double log_q) { return term(std::exp(log_p), std::exp(log_q)); });
}

/// One that is told by both ways to write it.
KlMistake kl_mistake(const char* name, const char* sentence, const KlTerm& term) {
  const auto again = [term](double log_p, double log_q) {
    return term(std::log(std::exp(log_p)), std::log(std::exp(log_q)));
  };
  return {name, sentence, kl_sum(term), {kl_sum(again)}};
}

double kl_right(const KlInput& input) {
  return oracle::kl_from_logits(input.p_logits, input.q_logits);
}

double kl_turned(const KlInput& input) {
  return oracle::kl_from_logits(input.q_logits, input.p_logits);
}

/// p·(ln p − ln q), 0 for p = 0.
double kl_term(double log_p, double log_q) {
  const double p = std::exp(log_p);
  return p > 0 ? p * (log_p - log_q) : 0;
}

/// KL as it should be, without tokens below a probability.
KlRun kl_above(double least) {
  return kl_sum(
      [least](double log_p, double log_q) { return std::exp(log_p) > least ? kl_term(log_p, log_q) : 0; });
}

/// With something added to both probabilities before their logarithm, or to Q's.
KlRun kl_with_added(double added, bool to_both) {
  return kl_of_probabilities([added, to_both](double p, double q) {
    return p > 0 ? p * (std::log(p + (to_both ? added : 0)) - std::log(q + added)) : 0;
  });
}

double kl_unnormalised(const KlInput& input) {
  double sum = 0;
  for (std::size_t i = 0; i < input.p_logits.size(); ++i) {
    const double p = std::exp(-oracle::token_cross_entropy(input.p_logits, static_cast<std::int64_t>(i)));
    if (p > 0) sum += p * (input.p_logits[i] - input.q_logits[i]);
  }
  return sum;
}

std::vector<KlMistake> kl_mistakes() {
  std::vector<KlMistake> mistakes = {
      {"wrong_way_round",
       "KL(Q‖P): weighted by the judged model; P, the one that is believed, gives the weights",
       kl_turned,
       {kl_sum([](double log_p, double log_q) {
         return std::exp(log_p) > 0 ? std::exp(log_q) * (log_q - log_p) : 0;
       })}},
      kl_mistake(
          "entropy_not_subtracted",
          "the cross entropy −Σ p·ln q alone, which is not 0 for equal distributions; add Σ p·ln p",
          [](double log_p, double log_q) { return std::exp(log_p) > 0 ? -std::exp(log_p) * log_q : 0; }),
      kl_mistake("bits_for_nats", "by log2, which gives bits; nats are by ln",
                 [](double log_p, double log_q) { return kl_term(log_p, log_q) / std::numbers::ln2; }),
      {"symmetrised", "the mean of both directions; KL(P‖Q) is one of them",
       [](const KlInput& input) { return (kl_right(input) + kl_turned(input)) / 2; }},
      {"mean_over_vocabulary",
       "the mean over the vocabulary, as kl_div(…, reduction=\"mean\") gives; it is the sum",
       [](const KlInput& input) { return kl_right(input) / static_cast<double>(input.p_logits.size()); }},
      {"logits_not_normalised",
       "differences of logits taken for differences of log-probabilities; each row has its own ln Σ exp to "
       "be taken off",
       kl_unnormalised},
      kl_mistake("not_weighted", "Σ (ln p − ln q) without the weights p",
                 [](double log_p, double log_q) { return log_p - log_q; }),
      kl_mistake("zero_times_infinity",
                 "0·ln 0, which is not a number, for a token that cannot come; it adds nothing",
                 [](double log_p, double log_q) { return std::exp(log_p) * (log_p - log_q); }),
      {"absolute_differences", "Σ |p − q|/2, the total variation, which is another distance",
       kl_of_probabilities([](double p, double q) { return std::abs(p - q) / 2; })},
      kl_mistake("absolute_logarithms",
                 "Σ p·|ln p − ln q|; terms below 0 belong to the sum, which is above 0 all the same",
                 [](double log_p, double log_q) { return std::abs(kl_term(log_p, log_q)); }),
  };
  mistakes.push_back(
      {"through_the_probability",
       "ln q by way of q, which is 0 in double where logits are 745 apart; ln q is a logit minus "
       "ln Σ exp, and finite",
       kl_of_probabilities([](double p, double q) { return p > 0 ? p * std::log(p / q) : 0; })});
  mistakes.push_back(
      {"ruled_out_left_out",
       "a token that Q rules out and P does not adds nothing; it makes the divergence infinite",
       kl_sum([](double log_p, double log_q) { return std::isfinite(log_q) ? kl_term(log_p, log_q) : 0; }),
       {kl_of_probabilities([](double p, double q) { return p > 0 && q > 0 ? p * std::log(p / q) : 0; })}});
  KlMistake& floor = mistakes.emplace_back(
      KlMistake{"floor_under_the_probability",
                "something small added to probabilities before their logarithm, or a floor under it; what Q "
                "rules out is "
                "then a number for the infinity that it is, and every other token is a little off",
                kl_with_added(1e-12, true)});
  for (const double added : {1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30, 1e-300}) {
    if (added != 1e-12) floor.also.emplace_back(kl_with_added(added, true));
    floor.also.emplace_back(kl_with_added(added, false));
    const double least = std::log(added);
    floor.also.emplace_back(
        kl_sum([least](double log_p, double log_q) { return kl_term(log_p, std::max(log_q, least)); }));
  }
  for (const double least : {-50.0, -100.0, -1000.0}) {
    floor.also.emplace_back(
        kl_sum([least](double log_p, double log_q) { return kl_term(log_p, std::max(log_q, least)); }));
  }
  KlMistake& rare = mistakes.emplace_back(KlMistake{
      "rare_tokens_left_out",
      "tokens below a small probability left out; only those of probability 0 add nothing", kl_above(1e-6)});
  for (const double least : {1e-3, 1e-4, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12})
    rare.also.emplace_back(kl_above(least));
  return mistakes;
}

}  // namespace

FunctionCheck<KlInput, double> kl_divergence_check() {
  FunctionCheck<KlInput, double> check;
  check.name = "kl_divergence";
  check.chapter = 8;
  check.what = "KL(P‖Q) of two rows of logits, in nats";
  check.cases = {
      {"same", "the same logits 0, 1, 2 twice", {{0, 1, 2}, {0, 1, 2}}},
      {"shifted",
       "logits 0, 1, 2 and the same plus 5, which is the same distribution",
       {{0, 1, 2}, {5, 6, 7}}},
      {"three", "P by logits 0, 1, 3, Q by 1, 1, 0", {{0, 1, 3}, {1, 1, 0}}},
      {"peaked", "P by logits 8, 0, 0, 0, Q by zeros", {{8, 0, 0, 0}, {0, 0, 0, 0}}},
      {"even", "P by zeros, Q by logits 8, 0, 0, 0", {{0, 0, 0, 0}, {8, 0, 0, 0}}},
      {"large",
       "P by logits 1000, 1001, 1002, Q by -1000, -1000, -1001",
       {{1000, 1001, 1002}, {-1000, -1000, -1001}}},
      {"impossible", "P by logits 1, -infinity, 2, Q by 1, 1, 1", {{1, minus_infinity, 2}, {1, 1, 1}}},
      {"rare",
       "P by logits 0, -12, -22, -30, Q by 0, -400, -500, -700: what is rare adds a little",
       {{0, -12, -22, -30}, {0, -400, -500, -700}}},
      {"far-apart",
       "P by logits 0, 0, Q by 0, -800, of which exp is 0 even in double; the divergence is not infinite",
       {{0, 0}, {0, -800}}},
      {"ruled-out",
       "P by logits 1, 0, 2, Q by 1, -infinity, 2: infinite, for what can come was ruled out",
       {{1, 0, 2}, {1, minus_infinity, 2}}},
      {"both-impossible",
       "P by logits 1, -infinity, 2, Q by 2, -infinity, 1",
       {{1, minus_infinity, 2}, {2, minus_infinity, 1}}},
  };
  check.oracle = kl_right;
  check.mistakes = kl_mistakes();
  check.same = [](const double& found, const double& expected) {
    return same_but_for_rounding(found, expected);
  };
  check.show = [](const double& number) { return show_numbers({number}); };
  check.difference = [](const double& found, const double& expected) {
    return difference_of_digits({found}, {expected});
  };
  return check;
}

}  // namespace rung::check
