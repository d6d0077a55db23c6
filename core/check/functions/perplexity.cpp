#include "core/oracle/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>

#include "core/check/functions/doubles.h"
#include "core/check/functions/perplexity.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Rule = PerplexityInput::Rule;
using Numbers = std::vector<double>;
using Output = PerplexityOutput;
using Mistake = FunctionMistake<PerplexityInput, Output>;

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

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
  bool contiguous = false;         ///< rows of a view read as one piece of memory
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

/// The logits as whoever reads a view as one piece of memory finds them.
std::vector<Numbers> read_on(const PerplexityInput& input) {
  Numbers memory;
  for (const Numbers& row : input.logits) {
    memory.insert(memory.end(), row.begin(), row.end());
    memory.insert(memory.end(), static_cast<std::size_t>(input.between), 0.0);
  }
  std::vector<Numbers> rows = input.logits;
  std::size_t at = 0;
  for (Numbers& row : rows) {
    for (double& logit : row) logit = memory[at++];
  }
  return rows;
}

Output variant(const PerplexityInput& input, const Wrong& wrong) {
  switch (input.rule) {
    case Rule::chunks:
      return {.numbers = wrong.chunks(input)};
    case Rule::strides:
      return {.numbers = wrong.strides(input)};
    case Rule::cross_entropies: {
      const std::vector<Numbers> logits = wrong.contiguous ? read_on(input) : input.logits;
      Output output;
      for (std::size_t row = 0; row < logits.size(); ++row) {
        const std::int64_t behind = input.first + static_cast<std::int64_t>(row) + wrong.target_offset;
        output.numbers.push_back(wrong.entropy(logits[row], input.ids[static_cast<std::size_t>(behind)]));
      }
      return output;
    }
    case Rule::log_probabilities: {
      const Numbers& logits = input.logits.front();
      Output output;
      output.numbers.reserve(logits.size());
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const auto token = static_cast<std::int64_t>(i);
        output.numbers.push_back(
            -(wrong.logs_too ? wrong.entropy(logits, token) : oracle::token_cross_entropy(logits, token)));
      }
      return output;
    }
    case Rule::mean:
      return {.numbers = wrong.average(input.entropies)};
    case Rule::refusal:
      return {.refused = perplexity_refusals()[input.call].kind};
    case Rule::perplexity:
      break;
  }
  return {.numbers = wrong.perplexity(input.entropies)};
}

using Run = std::function<Output(const PerplexityInput&)>;

Run with(const std::function<void(Wrong&)>& change) {
  Wrong wrong;
  change(wrong);
  return [wrong](const PerplexityInput& input) { return variant(input, wrong); };
}

/// The chunks with something else about the scored part.
Run chunks_scored_from(const std::function<std::int64_t(std::int64_t context)>& first) {
  return with([first](Wrong& wrong) {
    wrong.chunks = [first](const PerplexityInput& input) {
      std::vector<oracle::TextWindow> windows = oracle::text_chunks(input.tokens, input.context);
      for (oracle::TextWindow& window : windows) window.first_scored = first(input.context);
      return flat(windows);
    };
  });
}

using Entropy = std::function<double(std::span<const double> logits, std::int64_t target)>;

Run entropy_by(const Entropy& entropy) {
  return with([entropy](Wrong& wrong) { wrong.entropy = entropy; });
}

Run entropy_and_logs_by(const Entropy& entropy) {
  return with([entropy](Wrong& wrong) {
    wrong.entropy = entropy;
    wrong.logs_too = true;
  });
}

/// A wrong logarithm of a sum in cross entropies, and in log-probabilities too where both take the same function.
Mistake sum_mistake(const char* name, const char* sentence, const Entropy& entropy) {
  return {name, sentence, entropy_and_logs_by(entropy), {entropy_by(entropy)}};
}

Run perplexity_by(const std::function<Numbers(const Numbers&)>& rule) {
  return with([rule](Wrong& wrong) { wrong.perplexity = rule; });
}

/// A wrong mean and error, in the perplexity too.
Run average_by(const std::function<Numbers(const Numbers&)>& average) {
  return with([average](Wrong& wrong) {
    wrong.average = average;
    wrong.perplexity = [average](const Numbers& entropies) -> Numbers {
      const Numbers both = average(entropies);
      const double value = std::exp(both[0]);
      return {value, value * both[1]};
    };
  });
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

Numbers without_last_chunk(const PerplexityInput& input) {
  std::vector<oracle::TextWindow> windows = oracle::text_chunks(input.tokens, input.context);
  if (input.tokens % input.context == 0) windows.pop_back();
  return flat(windows);
}

std::vector<FunctionCase<PerplexityInput>> perplexity_cases() {
  const std::vector<Numbers> three = {{0, 1, 2, 3}, {2, 0, 0, 1}, {-1, 4, 0.5, 0}};
  std::vector<FunctionCase<PerplexityInput>> cases = {
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
      {"view",
       "cross entropies: 3 rows of 4 logits that are part of a wider matrix, tokens 3, 1, 0, 2",
       {.rule = Rule::cross_entropies, .logits = three, .between = 3, .ids = {3, 1, 0, 2}}},
      {"unlikely",
       "cross entropy: logits 0 and -800, of which the second came; exp(-800) is 0 even in double",
       {.rule = Rule::cross_entropies, .logits = {{0, -800}}, .ids = {0, 1}}},
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
      {"one", "mean of 2 alone, whose standard error is NaN", {.rule = Rule::mean, .entropies = {2}}},
      {"far-from-0",
       "mean of 10000.1, 10000.2, 10000.3, 10000.6, and its standard error",
       {.rule = Rule::mean, .entropies = {10000.1, 10000.2, 10000.3, 10000.6}}},
      {"logs",
       "log-probabilities of logits 1000, 1002, -infinity, 999",
       {.rule = Rule::log_probabilities, .logits = {{1000, 1002, minus_infinity, 999}}}},
  };
  const std::vector<PerplexityRefusal> calls = perplexity_refusals();
  for (std::size_t i = 0; i < calls.size(); ++i)
    cases.push_back({calls[i].name, calls[i].what, {.rule = Rule::refusal, .call = i}});
  return cases;
}

std::vector<Mistake> window_mistakes() {
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
      {"odd_context_rounded_up",
       "half of an odd context rounded up; context / 2 of whole numbers is cut off, as in llama.cpp",
       chunks_scored_from([](std::int64_t context) { return (context + 1) / 2 + 1; })},
      {"last_chunk_missing",
       "the last whole chunk is left out where the text ends with it; there is one as long as first + "
       "context <= tokens",
       with([](Wrong& wrong) { wrong.chunks = without_last_chunk; })},
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

std::vector<Mistake> number_mistakes() {
  return {
      {"target_off_by_one",
       "a row is judged by the token that it has read; it predicts the one behind it, tokens[first + row + "
       "1]",
       with([](Wrong& wrong) { wrong.target_offset = 0; })},
      {"rows_taken_as_contiguous",
       "rows of logits read from data() + row · V; in a part of a wider matrix they are apart, so take "
       "row(i).data()",
       with([](Wrong& wrong) { wrong.contiguous = true; })},
      sum_mistake("maximum_not_added_back",
                  "the largest logit taken out of the sum and not added behind the logarithm",
                  [](std::span<const double> logits, std::int64_t target) {
                    return oracle::token_cross_entropy(logits, target) - largest_of(logits);
                  }),
      sum_mistake("binary_logarithm_of_the_sum", "log2 of the sum, while exp made it; take ln",
                  [](std::span<const double> logits, std::int64_t target) {
                    const double logit = logits[static_cast<std::size_t>(target)];
                    const double ln =
                        oracle::token_cross_entropy(logits, target) + logit - largest_of(logits);
                    return largest_of(logits) + ln / std::numbers::ln2 - logit;
                  }),
      {"through_the_probability",
       "the logarithm of a probability, which is 0 in double where logits are 745 apart; take the difference "
       "of logits",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return -std::log(std::exp(-oracle::token_cross_entropy(logits, target)));
       }),
       {entropy_and_logs_by([](std::span<const double> logits, std::int64_t target) {
         return -std::log(std::exp(-oracle::token_cross_entropy(logits, target)));
       })}},
      {"bits_for_nats", "cross entropies by log2, of which exp is no perplexity; take ln",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return oracle::token_cross_entropy(logits, target) / std::numbers::ln2;
       })},
      {"not_normalised",
       "minus the logit, as if logits were log-probabilities; ln Σ exp(logits) has to be added",
       entropy_by([](std::span<const double> logits, std::int64_t target) {
         return -logits[static_cast<std::size_t>(target)];
       })},
      sum_mistake("maximum_not_subtracted",
                  "exp() of logits as they are, which overflows; take the largest out first",
                  [](std::span<const double> logits, std::int64_t target) {
                    double sum = 0;
                    for (const double logit : logits) sum += std::exp(logit);
                    return std::log(sum) - logits[static_cast<std::size_t>(target)];
                  }),
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
       average_by([](const Numbers& entropies) -> Numbers {
         const auto [mean, error] = oracle::mean_and_error(entropies);
         return {mean, error * std::sqrt(static_cast<double>(entropies.size()))};
       })},
      {"variance_over_n",
       "squares divided by n; around a mean of the same numbers they are too small, and n - 1 makes up for "
       "it",
       average_by([](const Numbers& entropies) -> Numbers {
         const auto n = static_cast<double>(entropies.size());
         const auto [mean, error] = oracle::mean_and_error(entropies);
         return {mean, n < 2 ? 0 : error * std::sqrt((n - 1) / n)};
       })},
      {"sure_of_one_sample",
       "the error of a single sample is told as 0; nothing is known about it, and 0 / 0 says so: NaN",
       average_by([](const Numbers& entropies) -> Numbers {
         const auto [mean, error] = oracle::mean_and_error(entropies);
         return {mean, entropies.size() < 2 ? 0 : error};
       })},
      {"mean_in_single_precision", "samples added up in fp32; a text has thousands of them, so take double",
       average_by([](const Numbers& entropies) -> Numbers {
         float sum = 0;
         for (const double entropy : entropies) sum += static_cast<float>(entropy);
         const auto n = static_cast<double>(entropies.size());
         const double mean = double{sum} / n;
         double squares = 0;
         for (const double entropy : entropies) squares += (entropy - mean) * (entropy - mean);
         return {mean, std::sqrt(squares / (n - 1) / n)};
       })},
  };
}

}  // namespace

std::vector<PerplexityRefusal> perplexity_refusals() {
  return {{"token-below-0", "the cross entropy of token -1", "usage"},
          {"token-v", "the cross entropy of token 2 by 2 logits", "usage"},
          {"logits-nan", "the cross entropy by logits 1, NaN", "bad_input"},
          {"logits-infinite", "the cross entropy by logits 1, +infinity", "bad_input"},
          {"logits-impossible", "the cross entropy by logits -infinity, -infinity", "bad_input"},
          {"logs-of-nothing", "the log-probabilities of no logits", "bad_input"},
          {"no-token-behind", "the cross entropies of two rows with two tokens", "usage"},
          {"first-below-0", "the cross entropies of one row from position -1 on", "usage"},
          {"mean-of-nothing", "the mean of nothing", "usage"},
          {"perplexity-of-nothing", "the perplexity of nothing", "usage"},
          {"kl-of-lengths", "the KL divergence of 2 logits and 3", "usage"},
          {"kl-nan", "the KL divergence with NaN in the second row", "bad_input"},
          {"chunks-of-3", "chunks: 100 tokens, context 3", "usage"},
          {"no-whole-chunk", "chunks: 7 tokens, context 8", "usage"},
          {"one-whole-chunk", "chunks: 8 tokens, context 8, which is one chunk and no reason to refuse", ""}};
}

FunctionCheck<PerplexityInput, PerplexityOutput> perplexity_check() {
  FunctionCheck<PerplexityInput, Output> check;
  check.name = "perplexity";
  check.chapter = 8;
  check.what = "which tokens of a text are scored, their cross entropies, and exp of their mean";
  check.cases = perplexity_cases();
  check.oracle = [](const PerplexityInput& input) { return variant(input, Wrong()); };
  check.mistakes = window_mistakes();
  for (auto& mistake : number_mistakes()) check.mistakes.push_back(std::move(mistake));
  // Logits are exact in fp32 and everything else is in double: what is left is its rounding, after a cancellation.
  check.same = [](const Output& found, const Output& expected) {
    return found.refused == expected.refused &&
           std::ranges::equal(found.numbers, expected.numbers, same_but_for_rounding);
  };
  check.show = [](const Output& output) {
    if (!output.refused.empty()) return "an Error (" + output.refused + ")";
    return output.numbers.empty() ? std::string("no Error") : show_numbers(output.numbers);
  };
  check.difference = [](const Output& found, const Output& expected) {
    return difference_of_digits(found.numbers, expected.numbers);
  };
  return check;
}

}  // namespace rung::check
