#include "core/oracle/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>

#include "core/check/functions/perplexity.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Rule = PerplexityInput::Rule;
using Numbers = std::vector<double>;

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// Up to 2e-13 is lost where logits around 1000 are taken from each other.
bool same_but_for_rounding(double found, double expected) {
  return found == expected || std::abs(found - expected) <= 1e-9 * std::abs(expected) + 1e-12 ||
         (std::isnan(found) && std::isnan(expected));
}

Numbers flat(const std::vector<oracle::TextWindow>& windows) {
  Numbers numbers;
  for (const oracle::TextWindow& window : windows) {
    for (const std::int64_t number : {window.first, window.length, window.first_scored}) {
      numbers.push_back(static_cast<double>(number));
    }
  }
  return numbers;
}

/// One place of the function, wrong; the rest as it should be.
struct Wrong {
  std::function<Numbers(const PerplexityInput&)> chunks = [](const PerplexityInput& input) {
    return flat(oracle::text_chunks(input.tokens, input.context));
  };
  std::function<Numbers(const PerplexityInput&)> strides = [](const PerplexityInput& input) {
    return flat(oracle::text_strides(input.tokens, input.context, input.stride));
  };
  std::function<double(std::span<const double> logits, std::int64_t target)> entropy =
      oracle::token_cross_entropy;
  bool logs_too = false;           ///< log-probabilities by `entropy`, too
  std::int64_t target_offset = 1;  ///< the token behind a row's own
  std::function<Numbers(const Numbers&)> average = [](const Numbers& entropies) -> Numbers {
    const auto [value, error] = oracle::mean_and_error(entropies);
    return {value, error};
  };
  std::function<Numbers(const Numbers&)> perplexity = [](const Numbers& entropies) -> Numbers {
    const auto [mean, error] = oracle::mean_and_error(entropies);
    return {std::exp(mean), std::exp(mean) * error};
  };
};

Numbers variant(const PerplexityInput& input, const Wrong& wrong) {
  switch (input.rule) {
    case Rule::chunks:
      return wrong.chunks(input);
    case Rule::strides:
      return wrong.strides(input);
    case Rule::cross_entropies: {
      Numbers entropies;
      for (std::size_t row = 0; row < input.logits.size(); ++row) {
        const std::int64_t behind = input.first + static_cast<std::int64_t>(row) + wrong.target_offset;
        entropies.push_back(wrong.entropy(input.logits[row], input.ids[static_cast<std::size_t>(behind)]));
      }
      return entropies;
    }
    case Rule::log_probabilities: {
      const Numbers& logits = input.logits.front();
      Numbers logs;
      logs.reserve(logits.size());
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const auto token = static_cast<std::int64_t>(i);
        logs.push_back(
            -(wrong.logs_too ? wrong.entropy(logits, token) : oracle::token_cross_entropy(logits, token)));
      }
      return logs;
    }
    case Rule::mean:
      return wrong.average(input.entropies);
    case Rule::refusals: {
      Numbers codes;
      for (const PerplexityRefusal& call : perplexity_refusals()) codes.push_back(call.expected);
      return codes;
    }
    case Rule::perplexity:
      break;
  }
  return wrong.perplexity(input.entropies);
}

std::function<Numbers(const PerplexityInput&)> with(const std::function<void(Wrong&)>& change) {
  Wrong wrong;
  change(wrong);
  return [wrong](const PerplexityInput& input) { return variant(input, wrong); };
}

/// The chunks with something else about the scored part.
std::function<Numbers(const PerplexityInput&)> chunks_scored_from(
    const std::function<std::int64_t(std::int64_t context)>& first) {
  return with([first](Wrong& wrong) {
    wrong.chunks = [first](const PerplexityInput& input) {
      std::vector<oracle::TextWindow> windows = oracle::text_chunks(input.tokens, input.context);
      for (oracle::TextWindow& window : windows) window.first_scored = first(input.context);
      return flat(windows);
    };
  });
}

std::function<Numbers(const PerplexityInput&)> entropy_by(
    const std::function<double(std::span<const double>, std::int64_t)>& entropy) {
  return with([entropy](Wrong& wrong) { wrong.entropy = entropy; });
}

std::function<Numbers(const PerplexityInput&)> perplexity_by(
    const std::function<Numbers(const Numbers&)>& rule) {
  return with([rule](Wrong& wrong) { wrong.perplexity = rule; });
}

double largest_of(std::span<const double> logits) {
  return *std::ranges::max_element(logits);
}

Numbers with_rest(const PerplexityInput& input) {
  std::vector<oracle::TextWindow> windows = oracle::text_chunks(input.tokens, input.context);
  const std::int64_t rest = input.tokens % input.context;
  if (rest > 0) windows.push_back({input.tokens - rest, rest, input.context / 2 + 1});
  return flat(windows);
}

Numbers strides_scored_whole(const PerplexityInput& input) {
  std::vector<oracle::TextWindow> windows = oracle::text_strides(input.tokens, input.context, input.stride);
  for (oracle::TextWindow& window : windows) window.first_scored = 1;
  return flat(windows);
}

Numbers strides_without_beginning(const PerplexityInput& input) {
  std::vector<oracle::TextWindow> windows = oracle::text_strides(input.tokens, input.context, input.stride);
  windows.front().first_scored = std::max<std::int64_t>(windows.front().length - input.stride, 1);
  return flat(windows);
}

Numbers strides_without_end(const PerplexityInput& input) {
  std::vector<oracle::TextWindow> windows = oracle::text_strides(input.tokens, input.context, input.stride);
  if (windows.back().length < input.context) windows.pop_back();
  return flat(windows);
}

std::string refusals_in_words() {
  std::string text = "what is refused (2: as usage, 1: as bad_input, 0: not): ";
  for (const PerplexityRefusal& call : perplexity_refusals()) text += call.what + "; ";
  return text.substr(0, text.size() - 2);
}

std::vector<FunctionCase<PerplexityInput>> perplexity_cases() {
  const std::vector<Numbers> three = {{0, 1, 2, 3}, {2, 0, 0, 1}, {-1, 4, 0.5, 0}};
  return {
      {"two-halves", "chunks: 16 tokens, context 8", {.rule = Rule::chunks, .tokens = 16, .context = 8}},
      {"rest",
       "chunks: 31 tokens, context 8; 7 are left",
       {.rule = Rule::chunks, .tokens = 31, .context = 8}},
      {"odd", "chunks: 20 tokens, context 5", {.rule = Rule::chunks, .tokens = 20, .context = 5}},
      {"usual", "chunks: 1500 tokens, context 512", {.rule = Rule::chunks, .tokens = 1500, .context = 512}},
      {"strides",
       "strided: 14 tokens, context 8, stride 3",
       {.rule = Rule::strides, .tokens = 14, .context = 8, .stride = 3}},
      {"strides-rest",
       "strided: 15 tokens, context 8, stride 3",
       {.rule = Rule::strides, .tokens = 15, .context = 8, .stride = 3}},
      {"one-window",
       "strided: 5 tokens, context 8, stride 4",
       {.rule = Rule::strides, .tokens = 5, .context = 8, .stride = 4}},
      {"even",
       "cross entropy: 4 equal logits, which is ln 4",
       {.rule = Rule::cross_entropies, .logits = {{1, 1, 1, 1}}, .ids = {0, 2}}},
      {"rows",
       "cross entropies: 3 rows of 4 logits, tokens 3, 1, 0, 2",
       {.rule = Rule::cross_entropies, .logits = three, .ids = {3, 1, 0, 2}}},
      {"later-rows",
       "cross entropies: 3 rows from position 2 on, tokens 0, 0, 3, 1, 0, 2",
       {.rule = Rule::cross_entropies, .first = 2, .logits = three, .ids = {0, 0, 3, 1, 0, 2}}},
      {"large",
       "cross entropies: logits around 1000 and -1000",
       {.rule = Rule::cross_entropies,
        .logits = {{1000, 1002, 999}, {-1000, -1003, -999}},
        .ids = {0, 0, 1}}},
      {"masked",
       "cross entropy: logits 1, -infinity, 2",
       {.rule = Rule::cross_entropies, .logits = {{1, minus_infinity, 2}}, .ids = {1, 0}}},
      {"perplexity",
       "perplexity of cross entropies 1, 2, 3, 6",
       {.rule = Rule::perplexity, .entropies = {1, 2, 3, 6}}},
      {"equal", "perplexity of cross entropies 2, 2, 2", {.rule = Rule::perplexity, .entropies = {2, 2, 2}}},
      {"sure", "perplexity of cross entropies 0, 0.5", {.rule = Rule::perplexity, .entropies = {0, 0.5}}},
      {"mean", "mean of 1, 2, 3, 6, and its standard error", {.rule = Rule::mean, .entropies = {1, 2, 3, 6}}},
      {"logs",
       "log-probabilities of logits 1000, 1002, -infinity, 999",
       {.rule = Rule::log_probabilities, .logits = {{1000, 1002, minus_infinity, 999}}}},
      {"refusals", refusals_in_words(), {.rule = Rule::refusals}},
  };
}

std::vector<FunctionMistake<PerplexityInput, Numbers>> window_mistakes() {
  return {
      {"first_half_scored_too",
       "every token of a chunk is scored, those with hardly anything before them too; only those behind "
       "position "
       "context/2 are",
       chunks_scored_from([](std::int64_t) { return std::int64_t{1}; })},
      {"one_scored_too_many",
       "the token at position context/2 is scored too; the row there is the first that counts, and it "
       "predicts the "
       "token behind it",
       chunks_scored_from([](std::int64_t context) { return context / 2; })},
      {"rest_scored_too", "the tokens that fill no chunk become a shorter one; they are left out",
       with([](Wrong& wrong) { wrong.chunks = with_rest; })},
      {"strides_scored_whole",
       "windows that overlap are scored whole, so that most tokens count several times; of each window, "
       "score what "
       "none before it has",
       with([](Wrong& wrong) { wrong.strides = strides_scored_whole; })},
      {"first_window_not_whole",
       "of the first window too only the last stride is scored; nothing before it has scored the rest",
       with([](Wrong& wrong) { wrong.strides = strides_without_beginning; })},
      {"last_window_missing", "the last, shorter window is left out, and the end of the text with it",
       with([](Wrong& wrong) { wrong.strides = strides_without_end; })},
  };
}

std::vector<FunctionMistake<PerplexityInput, Numbers>> number_mistakes() {
  return {
      {"target_off_by_one",
       "a row is judged by the token that it has read; it predicts the one behind it, tokens[first + row + "
       "1]",
       with([](Wrong& wrong) { wrong.target_offset = 0; })},
      {"bits_for_nats", "cross entropies by log2, of which exp is no perplexity; take ln",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return oracle::token_cross_entropy(logits, target) / std::numbers::ln2;
       })},
      {"not_normalised",
       "minus the logit, as if logits were log-probabilities; ln Σ exp(logits) has to be added",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return -logits[static_cast<std::size_t>(target)];
       })},
      {"maximum_not_subtracted", "exp() of logits as they are, which overflows; take the largest out first",
       with([](Wrong& wrong) {
         wrong.logs_too = true;
         wrong.entropy = [](std::span<const double> logits, std::int64_t target) {
           double sum = 0;
           for (const double logit : logits) sum += std::exp(logit);
           return std::log(sum) - logits[static_cast<std::size_t>(target)];
         };
       })},
      {"probability_for_entropy", "the probability of the token in place of minus its logarithm",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return std::exp(-oracle::token_cross_entropy(logits, target));
       })},
      {"compared_with_the_largest", "the distance to the largest logit; the sum over all tokens is forgotten",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return largest_of(logits) - logits[static_cast<std::size_t>(target)];
       })},
      {"mean_of_probabilities",
       "1 over the mean of the probabilities; it is exp of the mean cross entropy, a geometric mean",
       perplexity_by([](const Numbers& entropies) -> Numbers {
         double sum = 0;
         for (const double entropy : entropies) sum += std::exp(-entropy);
         const double value = static_cast<double>(entropies.size()) / sum;
         return {value, value * oracle::mean_and_error(entropies).error};
       })},
      {"mean_of_perplexities",
       "the mean of each token's exp(cross entropy), which its worst tokens rule; take exp of the mean",
       perplexity_by([](const Numbers& entropies) -> Numbers {
         double sum = 0;
         for (const double entropy : entropies) sum += std::exp(entropy);
         const double value = sum / static_cast<double>(entropies.size());
         return {value, value * oracle::mean_and_error(entropies).error};
       })},
      {"power_of_two", "2 to the mean of cross entropies in nats; that is for bits, nats want exp",
       perplexity_by([](const Numbers& entropies) -> Numbers {
         const auto [mean, error] = oracle::mean_and_error(entropies);
         return {std::exp2(mean), std::exp2(mean) * error};
       })},
      {"error_of_the_logarithm",
       "the standard error of the mean cross entropy given for the perplexity's; it has to be multiplied by "
       "the "
       "perplexity",
       perplexity_by([](const Numbers& entropies) -> Numbers {
         const auto [mean, error] = oracle::mean_and_error(entropies);
         return {std::exp(mean), error};
       })},
      {"deviation_for_error",
       "the standard deviation of single tokens; the mean's standard error is smaller by the root of their "
       "number",
       with([](Wrong& wrong) {
         const auto deviation = [](const Numbers& entropies) {
           return oracle::mean_and_error(entropies).error * std::sqrt(static_cast<double>(entropies.size()));
         };
         wrong.average = [deviation](const Numbers& entropies) -> Numbers {
           return {oracle::mean_and_error(entropies).mean, deviation(entropies)};
         };
         wrong.perplexity = [deviation](const Numbers& entropies) -> Numbers {
           const double value = std::exp(oracle::mean_and_error(entropies).mean);
           return {value, value * deviation(entropies)};
         };
       })},
  };
}

/// Σ weight(p, q)·… over two softmaxes in double, for the mistakes.
using KlTerm = std::function<double(double p, double q)>;

std::vector<double> softmax_of(const Numbers& logits) {
  std::vector<double> p;
  p.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    p.push_back(std::exp(-oracle::token_cross_entropy(logits, static_cast<std::int64_t>(i))));
  return p;
}

std::function<double(const KlInput&)> kl_sum(const KlTerm& term) {
  return [term](const KlInput& input) {
    const std::vector<double> p = softmax_of(input.p_logits);
    const std::vector<double> q = softmax_of(input.q_logits);
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) sum += term(p[i], q[i]);
    return sum;
  };
}

double kl_right(const KlInput& input) {
  return oracle::kl_from_logits(input.p_logits, input.q_logits);
}

double kl_turned(const KlInput& input) {
  return oracle::kl_from_logits(input.q_logits, input.p_logits);
}

double kl_term(double p, double q) {
  return p > 0 ? p * std::log(p / q) : 0;
}

double kl_unnormalised(const KlInput& input) {
  const std::vector<double> p = softmax_of(input.p_logits);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0) sum += p[i] * (input.p_logits[i] - input.q_logits[i]);
  return sum;
}

}  // namespace

std::vector<PerplexityRefusal> perplexity_refusals() {
  return {{"cross entropy of token -1", 2},
          {"of token V", 2},
          {"of logits with NaN", 1},
          {"with +infinity", 1},
          {"of nothing but -infinity", 1},
          {"two rows and two tokens", 2},
          {"the perplexity of nothing", 2},
          {"KL of rows of other lengths", 2},
          {"KL with NaN in the second row", 1},
          {"chunks of 3", 2},
          {"fewer tokens than a chunk", 2},
          {"as many as a chunk", 0}};
}

FunctionCheck<PerplexityInput, std::vector<double>> perplexity_check() {
  FunctionCheck<PerplexityInput, Numbers> check;
  check.name = "perplexity";
  check.chapter = 8;
  check.what = "which tokens of a text are scored, their cross entropies, and exp of their mean";
  check.cases = perplexity_cases();
  check.oracle = [](const PerplexityInput& input) { return variant(input, Wrong()); };
  check.mistakes = window_mistakes();
  for (auto& mistake : number_mistakes()) check.mistakes.push_back(std::move(mistake));
  // Logits are exact in fp32 and everything else is in double: what is left is its rounding, after a cancellation.
  check.same = [](const Numbers& found, const Numbers& expected) {
    return std::ranges::equal(found, expected, same_but_for_rounding);
  };
  check.show = show_numbers;
  return check;
}

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
      {"ruled-out",
       "P by logits 1, 0, 2, Q by 1, -infinity, 2: infinite, for what can come was ruled out",
       {{1, 0, 2}, {1, minus_infinity, 2}}},
      {"both-impossible",
       "P by logits 1, -infinity, 2, Q by 2, -infinity, 1",
       {{1, minus_infinity, 2}, {2, minus_infinity, 1}}},
  };
  check.oracle = kl_right;
  check.mistakes = {
      {"wrong_way_round",
       "KL(Q‖P): weighted by the judged model; P, the one that is believed, gives the weights", kl_turned},
      {"entropy_not_subtracted",
       "the cross entropy −Σ p·ln q alone, which is not 0 for equal distributions; add Σ p·ln p",
       kl_sum([](double p, double q) { return p > 0 ? -p * std::log(q) : 0; })},
      {"bits_for_nats", "by log2, which gives bits; nats are by ln",
       kl_sum([](double p, double q) { return kl_term(p, q) / std::numbers::ln2; })},
      {"symmetrised", "the mean of both directions; KL(P‖Q) is one of them",
       [](const KlInput& input) { return (kl_right(input) + kl_turned(input)) / 2; }},
      {"mean_over_vocabulary",
       "the mean over the vocabulary, as kl_div(…, reduction=\"mean\") gives; it is the sum",
       [](const KlInput& input) { return kl_right(input) / static_cast<double>(input.p_logits.size()); }},
      {"logits_not_normalised",
       "differences of logits taken for differences of log-probabilities; each row has its own ln Σ exp to "
       "be taken "
       "off",
       kl_unnormalised},
      {"not_weighted", "Σ (ln p − ln q) without the weights p",
       kl_sum([](double p, double q) { return std::log(p / q); })},
      {"zero_times_infinity", "0·ln 0, which is not a number, for a token that cannot come; it adds nothing",
       kl_sum([](double p, double q) { return p * (std::log(p) - std::log(q)); })},
      {"absolute_differences", "Σ |p − q|/2, the total variation, which is another distance",
       kl_sum([](double p, double q) { return std::abs(p - q) / 2; })},
  };
  check.same = [](const double& found, const double& expected) {
    return same_but_for_rounding(found, expected);
  };
  check.show = [](const double& number) { return show_numbers({number}); };
  return check;
}

}  // namespace rung::check
