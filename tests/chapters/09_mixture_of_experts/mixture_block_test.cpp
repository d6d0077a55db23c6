// The mixture as a feed-forward layer: every dispatch against an oracle in double, on the shapes where it may go wrong.

#include <map>
#include <string>

#include "chapters/09_mixture_of_experts/toy_mixture.h"
#include "core/error.h"
#include "core/oracle/routing.h"
#include "core/oracle/swiglu.h"
#include "tests/catch.h"
#include "tests/chapters/09_mixture_of_experts/some_experts.h"

using namespace rung;
using namespace rung::testing;

namespace {

constexpr Eigen::Index hidden = 24, feed_forward = 40;
constexpr std::array all_dispatches = {Dispatch::tokens, Dispatch::experts, Dispatch::segments};

std::vector<double> doubles(const Matrix& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

std::vector<double> product(const std::vector<double>& x, const Matrix& w) {
  std::vector<double> y(static_cast<std::size_t>(w.rows()));
  for (Eigen::Index n = 0; n < w.rows(); ++n) {
    for (Eigen::Index k = 0; k < w.cols(); ++k)
      y[static_cast<std::size_t>(n)] += x[static_cast<std::size_t>(k)] * static_cast<double>(w(n, k));
  }
  return y;
}

/// What some_experts(E, hidden, feed_forward, 10) with this router makes of x, in double.
Matrix in_double(const Matrix& x, const Matrix& router, std::int64_t used, bool renormalize) {
  Matrix out(x.rows(), x.cols());
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const std::vector<double> row = doubles(x.row(t));
    const oracle::Route route = oracle::softmax_top_k(product(row, router), used, renormalize);
    std::vector<double> sum(row.size());
    for (std::size_t i = 0; i < route.chosen.size(); ++i) {
      const std::int64_t seed = 10 + 3 * route.chosen[i];
      const auto gate = product(row, scattered_numbers(feed_forward, hidden, seed));
      const auto up = product(row, scattered_numbers(feed_forward, hidden, seed + 1));
      std::vector<double> active(gate.size());
      oracle::swiglu(gate, up, active);
      const auto down = product(active, scattered_numbers(hidden, feed_forward, seed + 2));
      for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += route.weights[i] * down[n];
    }
    for (std::size_t n = 0; n < sum.size(); ++n)
      out(t, static_cast<Eigen::Index>(n)) = static_cast<float>(sum[n]);
  }
  return out;
}

double off_by(const Matrix& found, const Matrix& expected) {
  return static_cast<double>((found - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff());
}

MixtureOfExperts mixture(const Matrix& router, std::int64_t used, Dispatch dispatch,
                         bool renormalize = true) {
  return {dense(router), some_experts(router.rows(), hidden, feed_forward, 10), top(used, renormalize), used,
          dispatch};
}

class Seen : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    values_[std::string(point)] = values;
  }
  void not_materialised(std::string_view point) override { absent_.emplace_back(point); }
  std::map<std::string, Matrix> values_;
  std::vector<std::string> absent_;
};

}  // namespace

TEST_CASE("every dispatch of a mixture gives what the oracle gives") {
  struct Shape {
    const char* name;
    Eigen::Index rows;
    std::int64_t experts, used;
    bool renormalize;
  };
  for (const Shape& shape : {Shape{"one token", 1, 4, 2, true},
                             {"a batch", 17, 4, 2, true},
                             {"top-1, not renormalised", 9, 4, 1, false},
                             {"k = E", 5, 3, 3, true},
                             {"one expert", 5, 1, 1, true},
                             {"more experts than routes", 3, 16, 2, true}}) {
    INFO(shape.name);
    const Matrix x = scattered_numbers(shape.rows, hidden, 3),
                 router = scattered_numbers(shape.experts, hidden, 1);
    const Matrix expected = in_double(x, router, shape.used, shape.renormalize);
    for (const Dispatch dispatch : all_dispatches) {
      CHECK(off_by(output_of(mixture(router, shape.used, dispatch, shape.renormalize), x), expected) < 3e-6);
    }
  }
}

TEST_CASE("all tokens on one expert, and the others without any") {
  Matrix x = scattered_numbers(6, hidden, 3);
  x.col(0).setConstant(4);
  Matrix router = Matrix::Zero(4, hidden);
  router(2, 0) = 8;  // expert 2 has score 32, the others 0
  const Matrix expected = in_double(x, router, 1, true);
  for (const Dispatch dispatch : all_dispatches) {
    const MixtureOfExperts block = mixture(router, 1, dispatch);
    CHECK(block.route(x).chosen == std::vector<std::int32_t>(6, 2));
    CHECK(off_by(output_of(block, x), expected) < 3e-6);
  }
}

TEST_CASE("a mixture of identical experts is the dense layer") {
  const auto expert = [] { return scattered_numbers(feed_forward, hidden, 20); };
  std::vector<std::unique_ptr<Linear>> gate, up, down;
  for (int e = 0; e < 5; ++e) {
    gate.push_back(dense(expert()));
    up.push_back(dense(scattered_numbers(feed_forward, hidden, 21)));
    down.push_back(dense(scattered_numbers(hidden, feed_forward, 22)));
  }
  const MixtureOfExperts block(dense(scattered_numbers(5, hidden, 1)),
                               {.gate = std::make_unique<LinearPerExpert>(std::move(gate)),
                                .up = std::make_unique<LinearPerExpert>(std::move(up)),
                                .down = std::make_unique<LinearPerExpert>(std::move(down))},
                               top(2), 2);
  const Matrix x = scattered_numbers(11, hidden, 3);
  CHECK(off_by(output_of(block, x), output_of(*one_expert(hidden, feed_forward, 20), x)) < 2e-6);
}

TEST_CASE("the toy is a mixture of two experts, top-1, not renormalised") {
  const Matrix x = scattered_numbers(13, hidden, 3), router = scattered_numbers(2, hidden, 1);
  const auto first = one_expert(hidden, feed_forward, 10), second = one_expert(hidden, feed_forward, 13);
  Matrix out = Matrix::Constant(13, hidden, 1000);
  toy_mixture(x, router, {first.get(), second.get()}, out);
  CHECK(off_by(out, output_of(mixture(router, 1, Dispatch::experts, false), x)) < 2e-6);
}

TEST_CASE("top-k then softmax gives the numbers of softmax then top-k, renormalised") {
  for (const std::int64_t used : {1, 2, 7, 16}) {
    const Matrix scores = 6 * scattered_numbers(40, 16, 2);
    const Routing one = softmax_then_top_k(scores, used, true), other = top_k_then_softmax(scores, used);
    CHECK(one.chosen == other.chosen);
    for (std::size_t i = 0; i < one.weights.size(); ++i)
      CHECK(std::abs(one.weights[i] - other.weights[i]) <= 2e-6F * other.weights[i]);
  }
}

TEST_CASE("a row's route and result do not depend on the other rows of its batch") {
  const Matrix x = scattered_numbers(12, hidden, 3), router = scattered_numbers(4, hidden, 1);
  const MixtureOfExperts block = mixture(router, 2, Dispatch::segments);
  const Matrix whole = output_of(block, x);
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const Matrix row = x.row(t);
    CHECK(off_by(output_of(block, row), whole.row(t)) < 2e-6);
  }
}

TEST_CASE("bytes of a mixture: of one row, of a batch, of all") {
  const std::int64_t expert = 3 * hidden * feed_forward * 4, router_bytes = 6 * hidden * 4;
  const Matrix router = scattered_numbers(6, hidden, 1);
  const MixtureOfExperts block = mixture(router, 2, Dispatch::segments);
  CHECK(block.weight_bytes() == router_bytes + 2 * expert);
  CHECK(block.held_bytes() == router_bytes + 6 * expert);
  CHECK(block.expert_cost().bytes == 6 * expert);
  CHECK(block.flops_per_row() == 2 * 6 * hidden + 2 * 2 * 3 * hidden * feed_forward);
  Routing routing = empty_routing(3, 6, 2);
  routing.chosen = {0, 4, 4, 0, 5, 4};  // three different ones
  CHECK(block.run_bytes(routing) == router_bytes + 3 * expert);
  CHECK(mixture(router, 2, Dispatch::tokens).run_bytes(routing) == router_bytes + 6 * expert);
}

TEST_CASE("a trace sees the router's scores, the experts and their weights") {
  const Matrix x = scattered_numbers(5, hidden, 3), router = scattered_numbers(4, hidden, 1);
  const MixtureOfExperts block = mixture(router, 2, Dispatch::segments);
  Seen seen;
  Matrix out(5, hidden);
  block.run(x, out, &seen, "layers.3.feed_forward");
  const Routing routing = block.route(x);
  const Matrix& chosen = seen.values_.at("layers.3.feed_forward.router.chosen");
  REQUIRE(chosen.rows() == 5);
  REQUIRE(chosen.cols() == 2);
  for (std::size_t i = 0; i < routing.chosen.size(); ++i) {
    CHECK(chosen.data()[i] == static_cast<float>(routing.chosen[i]));
    CHECK(seen.values_.at("layers.3.feed_forward.router.weights").data()[i] == routing.weights[i]);
  }
  CHECK(seen.values_.at("layers.3.feed_forward.router.scores").isApprox(x * router.transpose(), 1e-5F));
  CHECK(seen.absent_.size() == 3);
}

TEST_CASE("mixtures whose parts do not fit are refused") {
  const auto refused = [](Eigen::Index router_out, Eigen::Index router_in, std::int64_t used) {
    try {
      MixtureOfExperts(dense(scattered_numbers(router_out, router_in, 1)),
                       some_experts(4, hidden, feed_forward, 10), top(used), used);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused(4, hidden, 2).empty());
  CHECK(refused(5, hidden, 2).find("scores 5 experts") != std::string::npos);
  CHECK(refused(4, hidden + 1, 2).find("do not fit") != std::string::npos);
  CHECK(refused(4, hidden, 0).find("cannot choose 0") != std::string::npos);
  CHECK(refused(4, hidden, 5).find("cannot choose 5") != std::string::npos);
  CHECK_THROWS_AS(LinearPerExpert({}), Error);
}
