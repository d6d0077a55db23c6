// Exercise 5.1: temperature and greedy. What the two functions must do stands in chapters/05_sampling/distribution.h.
//
// This file takes the place of chapters/05_sampling/distribution.cpp, so it must define what that one does:
// distribution and greedy.

#include "chapters/05_sampling/distribution.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace rung {

namespace {

// Given: refuses what is no row of logits.
void refuse_bad(std::span<const float> logits) {
  if (logits.empty()) {
    throw Error(ErrorKind::bad_input, "logits: expected one for each token of the vocabulary, found none");
  }
  for (std::size_t token = 0; token < logits.size(); ++token) {
    if (std::isnan(logits[token])) {
      throw Error(ErrorKind::bad_input,
                  "logits: expected numbers, found NaN for token {}; are the weights damaged?", token);
    }
  }
}

// Given: refuses a largest logit that no softmax can have.
void refuse_infinite(double largest) {
  if (!std::isfinite(largest)) {
    throw Error(ErrorKind::bad_input, "logits: expected finite numbers, the largest is {}", largest);
  }
}

}  // namespace

Distribution distribution(std::span<const float> logits, double temperature) {  // [V]
  refuse_bad(logits);
  refuse_infinite(*std::ranges::max_element(logits));
  throw Error(ErrorKind::bad_input,
              "distribution is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.1");
}

std::int32_t greedy(std::span<const float> logits) {  // [V]
  refuse_bad(logits);
  throw Error(ErrorKind::bad_input,
              "greedy is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.1");
}

}  // namespace rung
