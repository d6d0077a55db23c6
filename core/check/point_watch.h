#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/model_reference.h"
#include "core/stage/trace.h"

namespace rung::check {

/// How a candidate did at one trace point.
struct PointShare {
  std::string name;
  double deviation = 0;  ///< the largest |candidate - oracle|
  double budget = 0;
  double gain_budget = 0;
  Gain gain = {};
  bool fused = false;  ///< the stage never has it in memory
  bool seen = false;

  /// Percent of the budget used; infinite for what is not a number, or wrong where no error is allowed.
  double percent() const;
  /// Whether the point is inside its budget; what is fused counts as inside.
  bool within() const { return fused || deviation <= budget; }
};

/// Percent of `budget` that `deviation` uses: 0 of 0 is 0, anything else of 0 infinite, NaN infinite.
double percent_of(double deviation, double budget);

/// "19 %", "5.3e+07 %".
std::string share_text(double percent);

/// Compares what a stage shows with a reference that has kept its points, batch after batch of one sequence.
class PointWatch : public Trace {
 public:
  /// @param reference  with the values of its points kept; must outlive the watch
  explicit PointWatch(const ModelReference& reference);

  /// Before each forward(): which positions its batch holds, and that all of them want logits.
  void expect(std::int64_t first, std::int64_t count);

  void see(std::string_view point, const ConstMatrixView& values) override;
  void not_materialised(std::string_view point) override;

  /// Every point of the reference, in order.
  const std::vector<PointShare>& points() const { return shares_; }
  /// The first point, in order, that left its budget; null when none did.
  const PointShare* first_outside() const;
  /// What is wrong with the points themselves: a name nobody knows, a wrong shape or order, one never shown.
  /// Empty when nothing is.
  std::string complaint() const;

 private:
  const ModelReference* reference_;
  std::vector<PointShare> shares_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::string complaint_;
  std::int64_t first_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace rung::check
