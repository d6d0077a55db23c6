// What a batch does to a mixture: how many experts it touches, and the rules of the past, under which a row's result
// depends on its neighbours.

#include <cmath>
#include <numeric>
#include <set>

#include "chapters/09_mixture_of_experts/capacity.h"
#include "chapters/09_mixture_of_experts/expert_load.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/09_mixture_of_experts/some_experts.h"

using namespace rung;
using namespace rung::testing;

namespace {

/// k different experts of E for each row, all sets equally likely: a congruential generator and a partial shuffle.
class Dealer {
 public:
  Routing deal(std::int64_t rows, std::int64_t experts, std::int64_t used) {
    Routing routing = empty_routing(rows, experts, used);
    std::vector<std::int32_t> all(static_cast<std::size_t>(experts));
    for (std::int64_t t = 0; t < rows; ++t) {
      std::iota(all.begin(), all.end(), 0);
      for (std::int64_t i = 0; i < used; ++i) {
        const auto left = static_cast<std::uint64_t>(experts - i);
        std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(i) + next() % left]);
        routing.chosen[static_cast<std::size_t>(t * used + i)] = all[static_cast<std::size_t>(i)];
      }
    }
    return routing;
  }

 private:
  std::uint64_t next() { return (state_ = state_ * 6364136223846793005U + 1442695040888963407U) >> 33U; }
  std::uint64_t state_ = 9;
};

}  // namespace

TEST_CASE("batches touch as many experts as the closed form expects") {
  Dealer dealer;
  constexpr int trials = 2000;
  for (const auto& [experts, used] : {std::pair{8, 2}, {16, 2}, {60, 4}}) {
    for (const int rows : {1, 2, 4, 8, 32}) {
      double sum = 0, squares = 0;
      for (int i = 0; i < trials; ++i) {
        const Routing routing = dealer.deal(rows, experts, used);
        const auto touched =
            static_cast<double>(std::set(routing.chosen.begin(), routing.chosen.end()).size());
        sum += touched;
        squares += touched * touched;
      }
      const double mean = sum / trials,
                   error = std::sqrt(std::max(0.0, squares / trials - mean * mean) / trials);
      INFO(experts << " experts, " << used << " used, " << rows << " rows: " << mean);
      // Five standard errors: one in a million such tests would fail.
      CHECK(std::abs(mean - expected_experts(experts, used, rows)) <= 5 * error + 1e-9);
    }
  }
}

TEST_CASE("the bias update evens out a router that prefers one expert") {
  Matrix scores = scattered_numbers(400, 8, 2);
  scores.col(3).array() += 1;
  Vector bias = Vector::Zero(8);
  const auto load = [&] {
    Matrix with_bias = scores.rowwise() + bias.transpose();
    return expert_load(softmax_then_top_k(with_bias, 2, true));
  };
  const double before = load().imbalance;
  CHECK(before > 2);
  for (int batch = 0; batch < 2000; ++batch) update_bias(load().counts, 0.002F, {bias.data(), 8});
  CHECK(load().imbalance < 1.1);
  CHECK(bias[3] < -0.5F);
}

TEST_CASE(
    "with room for so many rows and no more, a row's result depends on its neighbours; without, it does "
    "not") {
  const Matrix scores = scattered_numbers(16, 4, 2);
  const auto last_row = [](const ExpertSegments& segments) {
    std::set<std::int64_t> experts;
    for (std::int64_t e = 0; e < segments.experts(); ++e) {
      for (std::int64_t p = segments.offsets[static_cast<std::size_t>(e)];
           p < segments.offsets[static_cast<std::size_t>(e) + 1]; ++p) {
        if (segments.row_of[static_cast<std::size_t>(p)] == segments.rows - 1) experts.insert(e);
      }
    }
    return experts;
  };
  int drops = 0, choices = 0;
  for (Eigen::Index t = 1; t < scores.rows(); ++t) {
    const Matrix batch = scores.topRows(t + 1), alone = scores.row(t);
    const auto without = [&](const Matrix& of) {
      return last_row(segments_of(softmax_then_top_k(of, 2, true)));
    };
    const auto within = [&](const Matrix& of) {
      const Routing routing = softmax_then_top_k(of, 2, true);
      return last_row(segments_within(routing, expert_capacity(of.rows(), 4, 2, 1)));
    };
    const auto choosing = [&](const Matrix& of) {
      return last_row(expert_choice(of, expert_capacity(of.rows(), 4, 2, 1)));
    };
    CHECK(without(batch) == without(alone));
    drops += within(batch) != within(alone) ? 1 : 0;
    choices += choosing(batch) != choosing(alone) ? 1 : 0;
  }
  CHECK(drops > 0);
  CHECK(choices > 0);
}

TEST_CASE("a row that no expert has room for gets 0, and passes through the residual alone") {
  Routing routing = empty_routing(3, 2, 1);
  routing.weights = {1, 1, 1};  // all to expert 0
  const ExpertSegments segments = segments_within(routing, 2);
  Matrix out = Matrix::Constant(3, 4, 7);
  combine_rows(segments, Matrix::Ones(2, 4), out);
  CHECK(out.topRows(2) == Matrix::Ones(2, 4));
  CHECK(out.row(2) == Matrix::Zero(1, 4));
}
