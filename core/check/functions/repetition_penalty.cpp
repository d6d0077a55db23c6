#include "core/oracle/repetition_penalty.h"

#include "core/check/functions/functions.h"

namespace rung::check {
namespace {

using Output = std::vector<double>;

std::vector<double> doubles(const std::vector<float>& numbers) {
  return {numbers.begin(), numbers.end()};
}

Output divides_all(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  const Output right = oracle::repetition_penalty(logits, input.seen, 2);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (right[i] != logits[i]) logits[i] /= input.penalty;
  }
  return logits;
}

Output once_for_each_time(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  for (const std::int32_t token : input.seen) {
    double& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / input.penalty : logit * input.penalty;
  }
  return logits;
}

Output subtracts(const RepetitionInput& input) {
  Output logits = doubles(input.logits);
  const Output right = oracle::repetition_penalty(logits, input.seen, 2);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (right[i] != logits[i]) logits[i] -= input.penalty;
  }
  return logits;
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
      {"below-one", "tokens 0 and 2 were seen, penalty 0.5", {{1, 2, -3}, {2, 0}, 0.5}},
  };
  check.oracle = [](const RepetitionInput& input) {
    return oracle::repetition_penalty(doubles(input.logits), input.seen, input.penalty);
  };
  check.mistakes = {
      {"negative_divided",
       "a negative logit divided by the penalty, which makes the token likelier; multiply it", divides_all},
      {"once_for_each_time",
       "the penalty applied as often as the token occurred; each token is penalised once",
       once_for_each_time},
      {"subtracted", "the penalty subtracted from the logit; that is the presence penalty, another rule",
       subtracts},
  };
  check.same = [](const Output& found, const Output& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
