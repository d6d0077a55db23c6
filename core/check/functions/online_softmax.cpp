#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/flash_attention.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr float nothing = -std::numeric_limits<float>::infinity();

struct OnlineHabits {
  bool sum_not_rescaled = false, value_not_rescaled = false, rescaled_upside_down = false;
  bool infinity_unguarded = false, starts_at_zero = false;
  bool weight_of_old_max = false;
};

/// In fp32, whose exp() overflows where a learner's does.
struct State {
  float max = nothing, sum = 0;
  std::vector<float> value;

  explicit State(std::size_t size) : value(size, 0) {}
  Numbers numbers() const {
    Numbers all{max, sum};
    all.insert(all.end(), value.begin(), value.end());
    return all;
  }
};

void add(State& state, float score, const Numbers& value, const OnlineHabits& habits) {
  const float new_max = std::max(state.max, score);
  if (new_max == nothing && !habits.infinity_unguarded) return;
  const float up = std::exp(state.max - new_max);
  const float rescale = habits.rescaled_upside_down && state.max != nothing ? 1 / up : up;
  const float weight =
      std::exp(score - (habits.weight_of_old_max && state.max != nothing ? state.max : new_max));
  state.max = new_max;
  state.sum = state.sum * (habits.sum_not_rescaled ? 1 : rescale) + weight;
  for (std::size_t d = 0; d < value.size(); ++d)
    state.value[d] =
        state.value[d] * (habits.value_not_rescaled ? 1 : rescale) + weight * static_cast<float>(value[d]);
}

/// Of keys first … end − 1.
State state_of(const OnlineSoftmaxInput& input, std::size_t first, std::size_t end,
               const OnlineHabits& habits) {
  State state(input.size);
  if (habits.starts_at_zero) state.max = 0;
  for (std::size_t key = first; key < end; ++key)
    add(state, static_cast<float>(input.scores[key]), input.value(key), habits);
  return state;
}

struct MergeHabits {
  bool not_rescaled = false, first_not_rescaled = false, second_not_rescaled = false, second_dropped = false;
  bool infinity_unguarded = false, values_averaged = false;
};

Numbers merge(const OnlineSoftmaxInput& input, const MergeHabits& habits) {
  const State a = state_of(input, 0, input.split, {});
  const State b = state_of(input, input.split, input.scores.size(), {});
  State both(input.size);
  both.max = std::max(a.max, b.max);
  if (both.max == nothing && !habits.infinity_unguarded) return both.numbers();
  const float of_a = habits.not_rescaled || habits.first_not_rescaled ? 1 : std::exp(a.max - both.max);
  float of_b = habits.not_rescaled || habits.second_not_rescaled ? 1 : std::exp(b.max - both.max);
  if (habits.second_dropped) of_b = 0;
  both.sum = a.sum * of_a + b.sum * of_b;
  for (std::size_t d = 0; d < both.value.size(); ++d) {
    both.value[d] = a.value[d] * of_a + b.value[d] * of_b;
    if (habits.values_averaged) both.value[d] /= 2;
  }
  return both.numbers();
}

/// "[largest, sum, values …]": what the numbers of a state are.
std::string told(const Numbers& found, const Numbers& expected) {
  return fmt::format("gives [largest score, sum, values …] = {}, expected {}", show_numbers(found),
                     show_numbers(expected));
}

FunctionCheck<OnlineSoftmaxInput, Numbers> softmax_check(std::string name, std::string what) {
  FunctionCheck<OnlineSoftmaxInput, Numbers> check;
  check.name = std::move(name);
  check.chapter = 15;
  check.what = std::move(what);
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-4);
  };
  check.show = show_numbers;
  check.cases = {{"one", "one score", {{1.5}, 1}},
                 {"falling", "scores 2, 1, 0", {{2, 1, 0}, 2}},
                 {"rising", "scores 0, 1, 2", {{0, 1, 2}, 1}},
                 {"mixed", "scores 1, 3, 2, 5, -1, 5", {{1, 3, 2, 5, -1, 5}, 3}},
                 {"negative", "scores -300, -299, -301", {{-300, -299, -301}, 2}},
                 {"far", "scores 0, 500, 499", {{0, 500, 499}, 1}},
                 {"masked-first", "scores -inf, -inf, 1, 2", {{nothing, nothing, 1, 2}, 2}},
                 {"masked-last", "scores 1, 2, -inf, -inf", {{1, 2, nothing, nothing}, 2}},
                 {"masked-all", "three times -inf", {{nothing, nothing, nothing}, 1}},
                 {"empty-part", "scores 1, 2, the first part empty", {{1, 2}, 0}},
                 {"longer", "scores 1, 4, 2, values of 7 numbers", {{1, 4, 2}, 2, 7}}};
  return check;
}

}  // namespace

std::vector<double> OnlineSoftmaxInput::value(std::size_t key) const {
  const auto k = static_cast<double>(key);
  Numbers numbers{1 + k, 2 - k * k / 4, key % 2 == 0 ? -3.0 : 4.0};
  while (numbers.size() < size) numbers.push_back(k - static_cast<double>(numbers.size()));
  return numbers;
}

std::vector<double> OnlineSoftmaxInput::state(std::size_t first, std::size_t end) const {
  Numbers state(2 + size, 0);  // all keys at once
  state[0] = -std::numeric_limits<double>::infinity();
  for (std::size_t key = first; key < end; ++key) state[0] = std::max(state[0], scores[key]);
  if (std::isinf(state[0])) return state;
  for (std::size_t key = first; key < end; ++key) {
    const double weight = std::exp(scores[key] - state[0]);
    const Numbers of_key = value(key);
    state[1] += weight;
    for (std::size_t d = 0; d < size; ++d) state[2 + d] += weight * of_key[d];
  }
  return state;
}

FunctionCheck<OnlineSoftmaxInput, std::vector<double>> online_softmax_check() {
  auto check = softmax_check("online_softmax", "largest score, sum and weighted values, key by key");
  check.oracle = [](const OnlineSoftmaxInput& input) { return input.state(0, input.scores.size()); };
  check.difference_in = [](const OnlineSoftmaxInput&, const Numbers& found, const Numbers& expected) {
    return "add_key " + told(found, expected);
  };
  const auto mistake = [](std::string name, std::string sentence, OnlineHabits habits) {
    return FunctionMistake<OnlineSoftmaxInput, Numbers>{
        std::move(name), std::move(sentence), [habits](const OnlineSoftmaxInput& input) {
          return state_of(input, 0, input.scores.size(), habits).numbers();
        }};
  };
  check.mistakes = {
      mistake("online_not_rescaled",
              "sum and values not multiplied by exp(old - new) when the largest score grows",
              {.sum_not_rescaled = true, .value_not_rescaled = true}),
      mistake("online_sum_not_rescaled", "the values rescaled when the largest score grows, but not the sum",
              {.sum_not_rescaled = true}),
      mistake("online_value_not_rescaled",
              "the sum rescaled when the largest score grows, but not the values",
              {.value_not_rescaled = true}),
      mistake("online_rescaled_upside_down", "rescaled by exp(new - old); it is exp(old - new), at most 1",
              {.rescaled_upside_down = true}),
      mistake("online_weight_of_old_max",
              "a key's weight taken with the largest score before it; it counts, too",
              {.weight_of_old_max = true}),
      mistake("online_infinity_minus_infinity",
              "-inf subtracted from -inf, which is NaN, where all scores so far are masked",
              {.infinity_unguarded = true}),
      mistake("online_max_starts_at_0",
              "the largest score starts at 0, above negative ones; it starts at -inf",
              {.starts_at_zero = true})};
  return check;
}

FunctionCheck<OnlineSoftmaxInput, std::vector<double>> merged_softmax_check() {
  auto check = softmax_check("merged_softmax", "two parts of a query's keys, put together");
  check.oracle = online_softmax_check().oracle;
  check.difference_in = [](const OnlineSoftmaxInput& input, const Numbers& found, const Numbers& expected) {
    return fmt::format("merged, of the first {} and of the other {}, {}", input.split,
                       input.scores.size() - input.split, told(found, expected));
  };
  const auto mistake = [](std::string name, std::string sentence, MergeHabits habits) {
    return FunctionMistake<OnlineSoftmaxInput, Numbers>{
        std::move(name), std::move(sentence),
        [habits](const OnlineSoftmaxInput& input) { return merge(input, habits); }};
  };
  check.mistakes = {mistake("merge_not_rescaled",
                            "sums added as they are; each refers to the largest score of its own part",
                            {.not_rescaled = true}),
                    mistake("merge_first_not_rescaled", "the second part rescaled, but not the first",
                            {.first_not_rescaled = true}),
                    mistake("merge_second_not_rescaled", "the first part rescaled, but not the second",
                            {.second_not_rescaled = true}),
                    mistake("merge_second_dropped", "the second part not added", {.second_dropped = true}),
                    mistake("merge_infinity_minus_infinity",
                            "-inf subtracted from -inf, which is NaN, where both parts are masked",
                            {.infinity_unguarded = true}),
                    mistake("merge_values_averaged",
                            "the values averaged; they are added, and divided by the sum at the end",
                            {.values_averaged = true})};
  return check;
}

}  // namespace rung::check
