#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chapters/02_tensors/linear.h"
#include "core/tensor/matrix.h"

namespace rung {

/// The input of grouped products: rows that are sorted by expert. Two products of the same input, gate and up, share
/// what a Linear makes of it: each segment is an Activations of its own.
class GroupedActivations {
 public:
  /// @param values   [N, in]; the numbers must outlive this
  /// @param offsets  [E + 1], rising from 0 to N: expert e has the rows [offsets[e], offsets[e + 1])
  GroupedActivations(const ConstMatrixView& values, std::span<const std::int64_t> offsets);
  /// E.
  std::int64_t experts() const { return static_cast<std::int64_t>(segments_.size()); }
  /// Where the rows of that expert begin.
  std::int64_t first(std::int64_t expert) const { return offsets_[static_cast<std::size_t>(expert)]; }
  /// Rows of that expert; may be 0.
  std::int64_t count(std::int64_t expert) const { return first(expert + 1) - first(expert); }
  /// The rows of one expert, [count(expert), in].
  const Activations& segment(std::int64_t expert) const {
    return segments_[static_cast<std::size_t>(expert)];
  }

 private:
  std::span<const std::int64_t> offsets_;
  std::vector<Activations> segments_;
};

/// E matrices of one shape, of which each multiplies its own rows: y = x · Wₑᵀ.
class GroupedLinear {
 public:
  virtual ~GroupedLinear() = default;
  /// E.
  virtual std::int64_t experts() const = 0;
  /// Numbers in a row of x.
  virtual std::int64_t in() const = 0;
  /// Numbers in a row of y.
  virtual std::int64_t out() const = 0;
  /// Memory that the matrix of one expert takes, all of it read where it has a row. All have the same shape.
  virtual std::int64_t expert_bytes() const = 0;
  /// The rows of all experts, each by its own matrix.
  /// @param x    [N, in] by segments
  /// @param out  [N, out], overwritten
  virtual void apply(const GroupedActivations& x, MatrixView out) const = 0;
  /// One expert alone.
  /// @param x    [T, in], T >= 1
  /// @param out  [T, out], overwritten
  virtual void apply_expert(std::int64_t expert, const Activations& x, MatrixView out) const = 0;
};

/// One Linear for each expert, whatever it holds its numbers as; a grouped product is theirs one after another, and those
/// of experts without a row are not touched.
class LinearPerExpert : public GroupedLinear {
 public:
  /// @param experts  E of them, at least one, all of the same shape
  /// @throws Error (usage) where there are none or their shapes differ
  explicit LinearPerExpert(std::vector<std::unique_ptr<Linear>> experts);
  std::int64_t experts() const override { return static_cast<std::int64_t>(experts_.size()); }
  std::int64_t in() const override { return experts_.front()->in(); }
  std::int64_t out() const override { return experts_.front()->out(); }
  std::int64_t expert_bytes() const override { return experts_.front()->weight_bytes(); }
  void apply(const GroupedActivations& x, MatrixView out) const override;
  void apply_expert(std::int64_t expert, const Activations& x, MatrixView out) const override {
    experts_[static_cast<std::size_t>(expert)]->apply(x, out);
  }

 private:
  std::vector<std::unique_ptr<Linear>> experts_;
};

}  // namespace rung
