#include "chapters/09_mixture_of_experts/mixture.h"

#include <algorithm>
#include <utility>

#include "chapters/04_transformer/swiglu.h"
#include "chapters/09_mixture_of_experts/segments.h"
#include "core/error.h"

namespace rung {

MixtureOfExperts::MixtureOfExperts(std::unique_ptr<Linear> router, ExpertParts experts, Rule rule,
                                   std::int64_t used, Dispatch dispatch, std::unique_ptr<FeedForward> shared)
    : router_(std::move(router)),
      experts_(std::move(experts)),
      rule_(std::move(rule)),
      used_(used),
      dispatch_(dispatch),
      shared_(std::move(shared)) {
  const GroupedLinear &gate = *experts_.gate, &up = *experts_.up, &down = *experts_.down;
  if (router_->out() != gate.experts() || up.experts() != gate.experts() ||
      down.experts() != gate.experts()) {
    throw Error(ErrorKind::usage,
                "a mixture whose router scores {} experts has {} of gate, {} of up and {} of down",
                router_->out(), gate.experts(), up.experts(), down.experts());
  }
  if (router_->in() != gate.in() || up.in() != gate.in() || up.out() != gate.out() ||
      down.in() != gate.out() || down.out() != gate.in()) {
    throw Error(
        ErrorKind::usage,
        "a mixture of router [{}, {}], gate [{}, {}], up [{}, {}] and down [{}, {}], which do not fit",
        router_->out(), router_->in(), gate.out(), gate.in(), up.out(), up.in(), down.out(), down.in());
  }
  empty_routing(0, gate.experts(), used);  // says what is wrong with k
}

std::int64_t MixtureOfExperts::expert_bytes() const {
  return experts_.gate->expert_bytes() + experts_.up->expert_bytes() + experts_.down->expert_bytes();
}

std::int64_t MixtureOfExperts::common_bytes() const {
  return router_->weight_bytes() + (shared_ ? shared_->weight_bytes() : 0);
}

std::int64_t MixtureOfExperts::weight_bytes() const {
  return common_bytes() + used_ * expert_bytes();
}

std::int64_t MixtureOfExperts::held_bytes() const {
  return common_bytes() + experts() * expert_bytes();
}

ExpertCost MixtureOfExperts::expert_cost() const {
  return {.experts = experts(), .used = used_, .bytes = experts() * expert_bytes()};
}

std::int64_t MixtureOfExperts::run_bytes(const Routing& routing) const {
  if (dispatch_ == Dispatch::tokens) return common_bytes() + std::ssize(routing.chosen) * expert_bytes();
  std::vector<bool> touched(static_cast<std::size_t>(experts()));
  for (const std::int32_t expert : routing.chosen) touched[static_cast<std::size_t>(expert)] = true;
  return common_bytes() + std::count(touched.begin(), touched.end(), true) * expert_bytes();
}

std::int64_t MixtureOfExperts::flops_per_row() const {
  const std::int64_t expert = 2 * 3 * experts_.gate->in() * experts_.gate->out();
  return 2 * router_->in() * router_->out() + used_ * expert + (shared_ ? shared_->flops_per_row() : 0);
}

Routing MixtureOfExperts::route(const ConstMatrixView& x) const {
  Matrix scores(x.rows(), experts());  // [T, E]
  router_->apply(Activations(x), scores);
  return rule_(scores);
}

void MixtureOfExperts::run(const ConstMatrixView& x, MatrixView out, Trace* trace,
                           const std::string& point) const {
  Matrix scores(x.rows(), experts());  // [T, E]
  router_->apply(Activations(x), scores);
  const Routing routing = rule_(scores);
  if (trace) {
    Matrix chosen(routing.rows, routing.used);
    std::copy(routing.chosen.begin(), routing.chosen.end(), chosen.data());
    trace->see(point + ".router.scores", scores);
    trace->see(point + ".router.chosen", chosen);
    trace->see(point + ".router.weights",
               Eigen::Map<const Matrix>(routing.weights.data(), routing.rows, routing.used));
    for (const char* name : {".gate", ".up", ".activation"}) trace->not_materialised(point + name);
  }
  switch (dispatch_) {
    case Dispatch::tokens:
      run_tokens(x, routing, out);
      break;
    case Dispatch::experts:
      run_experts(x, routing, out);
      break;
    case Dispatch::segments:
      run_segments(x, routing, out);
      break;
  }
  if (!shared_) return;
  Matrix of_all(x.rows(), x.cols());
  shared_->run(x, of_all, nullptr, point + ".shared");
  out += of_all;
}

/// SwiGLU with the matrices of one expert.
void MixtureOfExperts::run_expert(std::int64_t expert, const ConstMatrixView& x, MatrixView out) const {
  Matrix gate(x.rows(), experts_.gate->out()), up(x.rows(), experts_.up->out());
  const Activations input(x);
  experts_.gate->apply_expert(expert, input, gate);
  experts_.up->apply_expert(expert, input, up);
  swiglu(gate, up, gate);
  experts_.down->apply_expert(expert, Activations(gate), out);
}

// [tokens]
void MixtureOfExperts::run_tokens(const ConstMatrixView& x, const Routing& routing, MatrixView out) const {
  out.setZero();
  Matrix result(1, out.cols());
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    for (std::int64_t i = t * used_; i < (t + 1) * used_; ++i) {
      run_expert(routing.chosen[static_cast<std::size_t>(i)], x.row(t), result);
      out.row(t) += routing.weights[static_cast<std::size_t>(i)] * result;
    }
  }
}
// [tokens]

void MixtureOfExperts::run_experts(const ConstMatrixView& x, const Routing& routing, MatrixView out) const {
  const ExpertSegments segments = segments_of(routing);
  out.setZero();
  for (std::int64_t e = 0; e < experts(); ++e) {
    if (segments.count(e) == 0) continue;
    const std::int64_t first = segments.offsets[static_cast<std::size_t>(e)], count = segments.count(e);
    Matrix rows(count, x.cols()), results(count, out.cols());
    for (Eigen::Index i = 0; i < count; ++i)
      rows.row(i) = x.row(segments.row_of[static_cast<std::size_t>(first + i)]);
    run_expert(e, rows, results);
    for (Eigen::Index i = 0; i < count; ++i) {
      const auto place = static_cast<std::size_t>(first + i);
      out.row(segments.row_of[place]) += segments.weight_of[place] * results.row(i);
    }
  }
}

// [run_segments]
void MixtureOfExperts::run_segments(const ConstMatrixView& x, const Routing& routing, MatrixView out) const {
  const ExpertSegments segments = segments_of(routing);
  Matrix rows(segments.places(), x.cols());  // [N, hidden], N = T · k
  gather_rows(segments, x, rows);
  Matrix gate(rows.rows(), experts_.gate->out()), up(rows.rows(), experts_.up->out());  // [N, feed_forward]
  const GroupedActivations input(rows, segments.offsets);
  experts_.gate->apply(input, gate);
  experts_.up->apply(input, up);
  swiglu(gate, up, gate);
  Matrix results(rows.rows(), out.cols());  // [N, hidden]
  experts_.down->apply(GroupedActivations(gate, segments.offsets), results);
  combine_rows(segments, results, out);
}
// [run_segments]

}  // namespace rung
