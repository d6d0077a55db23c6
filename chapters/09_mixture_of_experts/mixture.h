#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "chapters/02_tensors/linear.h"
#include "chapters/04_transformer/feed_forward.h"
#include "chapters/09_mixture_of_experts/grouped_linear.h"
#include "chapters/09_mixture_of_experts/routing.h"

namespace rung {

/// How rows get to their experts. The results are the same but for the order of sums within a product.
enum class Dispatch {
  tokens,  ///< row by row: a product of one row for each of its experts
  experts,  ///< expert by expert: its rows are gathered, run through its three matrices, and added to the output
  segments,  ///< all rows sorted by expert once, then three grouped products over all segments, then the way back
};

/// The matrices of all experts.
struct ExpertParts {
  std::unique_ptr<GroupedLinear> gate, up;  ///< hidden to feed_forward
  std::unique_ptr<GroupedLinear> down;      ///< feed_forward to hidden
};

/// A feed-forward layer of E experts, each a SwiGLU of its own, of which every row runs through the k that its router
/// chooses: y = sum over the chosen e of w_e · down_e(silu(gate_e(x)) · up_e(x)), and a shared expert's result on top.
/// Source: Shazeer et al., arXiv:1701.06538, section 2; Jiang et al., arXiv:2401.04088, section 2.1.
class MixtureOfExperts : public FeedForward {
 public:
  /// Which of them each row goes to: [T, E] scores to routes, softmax_then_top_k() for example.
  using Rule = std::function<Routing(const ConstMatrixView& scores)>;

  /// @param router   hidden to E scores
  /// @param experts  E of each
  /// @param rule     chooses `used` of them
  /// @param used     k
  /// @param shared   an expert that all rows go to, its result added with weight 1 (DeepSeek); may be null
  /// @throws Error (usage) where shapes do not fit, or unless 1 <= used <= E
  MixtureOfExperts(std::unique_ptr<Linear> router, ExpertParts experts, Rule rule, std::int64_t used,
                   Dispatch dispatch = Dispatch::segments, std::unique_ptr<FeedForward> shared = nullptr);

  /// Memory of the weights that a run of one row reads: the router's, k experts', the shared expert's. More rows touch
  /// more experts: run_bytes().
  std::int64_t weight_bytes() const override;
  std::int64_t flops_per_row() const override;
  /// Trace points, besides: `point`.router.scores [T, E], `point`.router.chosen [T, k] (experts as numbers) and
  /// `point`.router.weights [T, k]. The experts' gate, up and activation are not in the batch's order, so they are
  /// reported as not materialised.
  void run(const ConstMatrixView& x, MatrixView out, Trace* trace, const std::string& point) const override;

  /// The routes of rows, without running any expert.
  /// @param x  [T, hidden]
  Routing route(const ConstMatrixView& x) const;
  /// Memory of the weights that a run with these routes reads: each expert that has a row, once (with Dispatch::tokens
  /// once for each row), the router's and the shared expert's.
  std::int64_t run_bytes(const Routing& routing) const;
  std::int64_t held_bytes() const override;
  ExpertCost expert_cost() const override;
  std::int64_t experts() const { return experts_.gate->experts(); }  ///< E
  std::int64_t experts_used() const { return used_; }                ///< k

 private:
  std::int64_t expert_bytes() const;  // of one expert
  std::int64_t common_bytes() const;  // of what every row goes through
  void run_tokens(const ConstMatrixView& x, const Routing& routing, MatrixView out) const;
  void run_experts(const ConstMatrixView& x, const Routing& routing, MatrixView out) const;
  void run_segments(const ConstMatrixView& x, const Routing& routing, MatrixView out) const;
  void run_expert(std::int64_t expert, const ConstMatrixView& x, MatrixView out) const;

  std::unique_ptr<Linear> router_;
  ExpertParts experts_;
  Rule rule_;
  std::int64_t used_;
  Dispatch dispatch_;
  std::unique_ptr<FeedForward> shared_;
};

}  // namespace rung
