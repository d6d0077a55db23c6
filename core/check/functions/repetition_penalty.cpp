#include "core/oracle/repetition_penalty.h"

#include <algorithm>
#include <cstddef>

#include "core/check/functions/sampling.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Output = std::vector<double>;

std::vector<double> doubles(const std::vector<float>& numbers) {
  return {numbers.begin(), numbers.end()};
}

/// Logits are fp32 before and after.
Output in_fp32(Output logits) {
  for (double& logit : logits) logit = static_cast<double>(static_cast<float>(logit));
  return logits;
}

Output penalty_in_float(const RepetitionInput& input) {
  const auto penalty = static_cast<float>(input.penalty);
  Output logits = doubles(input.logits);
  const Output right = oracle::repetition_penalty(logits, input.seen, 2);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float logit = input.logits[i];
    if (right[i] != logits[i]) logits[i] = static_cast<double>(logit > 0 ? logit / penalty : logit * penalty);
  }
  return logits;
}

Output the_wrong_way_round(const RepetitionInput& input) {
  return in_fp32(oracle::repetition_penalty(doubles(input.logits), input.seen, 1 / input.penalty));
}

Output of_the_others(const RepetitionInput& input) {
  std::vector<std::int32_t> others;
  for (std::size_t i = 0; i < input.logits.size(); ++i) {
    if (std::ranges::count(input.seen, static_cast<std::int32_t>(i)) == 0)
      others.push_back(static_cast<std::int32_t>(i));
  }
  return in_fp32(oracle::repetition_penalty(doubles(input.logits), others, input.penalty));
}

Output divides_all(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  const Output right = oracle::repetition_penalty(logits, input.seen, 2);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (right[i] != logits[i]) logits[i] /= input.penalty;
  }
  return in_fp32(logits);
}

Output once_for_each_time(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  for (const std::int32_t token : input.seen) {
    double& logit = logits[static_cast<std::size_t>(token)];
    logit =
        static_cast<double>(static_cast<float>(logit > 0 ? logit / input.penalty : logit * input.penalty));
  }
  return logits;
}

Output only_the_last_64(const RepetitionInput& input) {
  RepetitionInput shorter = input;
  if (shorter.seen.size() > 64) shorter.seen.erase(shorter.seen.begin(), shorter.seen.end() - 64);
  return in_fp32(oracle::repetition_penalty(doubles(shorter.logits), shorter.seen, shorter.penalty));
}

/// A history of 9216 tokens of a vocabulary of 49152: every 32nd token, over and over. A list of what has occurred that is as
/// long as the history, and not as the vocabulary, is too short by far.
RepetitionInput large_vocabulary() {
  RepetitionInput input{.logits = std::vector<float>(49152, 1), .seen = {}, .penalty = 2};
  input.seen.reserve(9216);
  for (std::int32_t i = 0; i < 9216; ++i) input.seen.push_back(i % 1536 * 32 + 31);
  return input;
}

/// Token 0, then token 1 for 300 times.
RepetitionInput long_ago() {
  RepetitionInput input{.logits = {1, 2, -3}, .seen = std::vector<std::int32_t>(301, 1), .penalty = 1.5};
  input.seen.front() = 0;
  return input;
}

Output subtracts(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  const Output right = oracle::repetition_penalty(logits, input.seen, 2);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (right[i] != logits[i]) logits[i] -= input.penalty;
  }
  return in_fp32(logits);
}

}  // namespace

FunctionCheck<RepetitionInput, std::vector<double>> repetition_penalty_check() {
  FunctionCheck<RepetitionInput, Output> check;
  check.name = "repetition_penalty";
  check.chapter = 5;
  check.what =
      "logits of tokens that have occurred, divided by the penalty where positive, multiplied where not";
  check.cases = {
      {"none-seen", "three logits, no token seen", {{1, 2, -3}, {}, 1.5}},
      {"positive", "token 1 of logit 2 was seen, penalty 1.5", {{1, 2, -3}, {1}, 1.5}},
      {"negative", "token 2 of logit -3 was seen, penalty 1.5", {{1, 2, -3}, {2}, 1.5}},
      {"twice", "token 1 was seen twice, penalty 1.5", {{1, 2, -3}, {1, 0, 1}, 1.5}},
      {"fractions",
       "tokens 0 to 3 of logits -0.25, 0.5, 0, -0.75 were seen, penalty 1.5",
       {{-0.25, 0.5, 0, -0.75}, {0, 1, 2, 3}, 1.5}},
      {"long-ago", "token 0 was seen, then token 1 for 300 times, penalty 1.5", long_ago()},
      {"below-one", "tokens 0 and 2 were seen, penalty 0.5", {{1, 2, -3}, {2, 0}, 0.5}},
      {"double",
       "tokens 0 to 5 were seen, penalty 1.1: logits in fp32, of which a division in fp32 rounds some "
       "otherwise",
       {{1.7F, -2.9F, 13.3F, -7.1F, 0.3F, 21.9F}, {0, 1, 2, 3, 4, 5}, 1.1}},
      {"large-vocabulary",
       "49152 logits of 1; every 32nd token was seen six times, up to token 49151, penalty 2",
       large_vocabulary()},
  };
  check.oracle = [](const RepetitionInput& input) {
    return in_fp32(oracle::repetition_penalty(doubles(input.logits), input.seen, input.penalty));
  };
  check.mistakes = {
      {"negative_divided",
       "a negative logit divided by the penalty, which makes the token likelier; multiply it", divides_all},
      {"once_for_each_time",
       "the penalty applied as often as the token occurred; each token is penalised once",
       once_for_each_time},
      {"only_the_last_64",
       "only the last 64 tokens penalised, as other programs do; what was seen is the whole history",
       only_the_last_64},
      {"subtracted", "the penalty subtracted from the logit; that is the presence penalty, another rule",
       subtracts},
      {"penalty_in_float",
       "divided or multiplied in fp32; 1.1 is not the same number there. Do it in double and round the "
       "result",
       penalty_in_float},
      {"the_wrong_way_round",
       "positive logits multiplied and negative ones divided, which makes tokens likelier; it is the other "
       "way round",
       the_wrong_way_round},
      {"of_the_others", "the penalty applied to tokens that have not occurred; it is for those that have",
       of_the_others},
  };
  // Bit for bit: it is one operation in double, rounded once.
  check.same = [](const Output& found, const Output& expected) { return same_numbers(found, expected, 0); };
  check.show = show_numbers;
  check.difference = [](const Output& found, const Output& expected) {
    return difference_of_numbers(found, expected, 0);
  };
  return check;
}

}  // namespace rung::check
