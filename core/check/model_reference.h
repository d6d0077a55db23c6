#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/number_type.h"
#include "core/oracle/transformer.h"
#include "core/stage/kv_type.h"

namespace rung::check {

/// What one trace point must hold for a text, and how far it may be off.
struct ReferencePoint {
  std::string name;     ///< "layers.3.attention.output"
  oracle::Grid values;  ///< the fp64 oracle's, [T, …]; empty unless asked for
  double budget = 0;    ///< |candidate - values| <= budget, in the activation's own unit
  double gain_budget =
      0;  ///< |gain(candidate, values)| <= gain_budget; judged where activations are rounded to int8
};

/// How much too large values are that may otherwise be off at random: Σ (found - right) · right / Σ right². Roundings
/// that are not to one side leave next to nothing of it, because thousands of them cancel.
class Gain {
 public:
  /// One number.
  void add(double found, double right) {
    projected_ += (found - right) * right;
    squares_ += right * right;
  }
  /// 0 where all right numbers are.
  double value() const { return squares_ > 0 ? projected_ / squares_ : 0; }

 private:
  double projected_ = 0;
  double squares_ = 0;
};

/// What a model must answer to a text, teacher-forced, and how far it may be off.
///
/// The budget is measured, not chosen: the oracle runs once as it is and `roundings` times with the rounding
/// errors of the stage's number type (rounding_hook). `budget_factor` times the largest deviation of a logit
/// from the exact run, over all positions, tokens and roundings, is the budget of every logit of the text;
/// the other trace points get theirs in the same way.
///
/// It is one number per text, not one per position: the largest of eight draws at a single position is mostly
/// luck, and would have a right stage fail now and then.
struct ModelReference {
  std::vector<std::int32_t> tokens;
  oracle::Grid logits;                 ///< [T, V]
  double budget = 0;                   ///< of each logit
  std::vector<ReferencePoint> points;  ///< every trace point, in order; the last one is "logits"
  std::int64_t activation_group = 0;   ///< of what it was measured with
  /// Positions at which a router's choice is within what a right stage may be off: another one, as right, gives other
  /// logits altogether. Rising; none in a dense model.
  std::vector<std::int64_t> unsure = {};

  /// The point of that name, or null.
  const ReferencePoint* point(std::string_view name) const;
};

inline constexpr int roundings = 8;
inline constexpr double budget_factor = 3;

/// What is kept of the trace points: their budgets alone, or their values too (megabytes per token and
/// layer).
enum class KeepPoints { budgets, values };

/// Runs the oracle once exactly and `roundings` times rounded.
/// @param tokens            the text, from its first token on
/// @param seed              of the roundings
/// @param kv                what the stage stores keys and values as: their rounding to it is part of the budget
/// @param activation_group  numbers of a linear layer's input that the stage rounds to int8 together, or 0: the rounding
///                          is part of the budget of all points behind that input
ModelReference measure_reference(const oracle::Transformer& oracle, std::span<const std::int32_t> tokens,
                                 NumberType type, std::uint64_t seed, KeepPoints keep,
                                 KvType kv = KvType::f32, std::int64_t activation_group = 0);

}  // namespace rung::check
