#pragma once

#include <any>
#include <cstdint>
#include <memory>

#include "core/tensor/matrix.h"

namespace rung {

/// The input of linear layers, [T, in]. q, k and v get the same one, so a stage that needs x in another form
/// (quantised, say) makes that form once and keeps it here.
class Activations {
 public:
  /// @param values  [T, in]; the numbers must outlive the activations
  explicit Activations(const ConstMatrixView& values) : values_(values) {}
  /// x itself, [T, in].
  const ConstMatrixView& values() const { return values_; }

  // [form]
  /// x in another form, made of values() by the first who asks and kept for the next. One form is kept, which is what
  /// a stage needs whose linear layers are all of a kind. Not for several threads at once.
  template <typename Form>
  const Form& as() const {
    if (const Form* made = std::any_cast<Form>(&form_)) return *made;
    return form_.emplace<Form>(values_);
  }
  // [form]

 private:
  ConstMatrixView values_;
  mutable std::any form_;
};

/// A part of the transformer: y = x · Wᵀ, without bias.
class Linear {
 public:
  virtual ~Linear() = default;
  /// Numbers in a row of x.
  virtual std::int64_t in() const = 0;
  /// Numbers in a row of y.
  virtual std::int64_t out() const = 0;
  virtual std::int64_t weight_bytes() const = 0;  ///< memory that W takes, all of it read by one apply()
  /// @param x    [T, in], T >= 1
  /// @param out  [T, out], overwritten
  virtual void apply(const Activations& x, MatrixView out) const = 0;
};

/// W as fp32. Shared, because a tied output matrix is the embedding.
class DenseLinear : public Linear {
 public:
  /// @param weight  [out, in]
  explicit DenseLinear(std::shared_ptr<const Matrix> weight) : weight_(std::move(weight)) {}
  std::int64_t in() const override { return weight_->cols(); }
  std::int64_t out() const override { return weight_->rows(); }
  std::int64_t weight_bytes() const override { return weight_->size() * std::int64_t{sizeof(float)}; }
  void apply(const Activations& x, MatrixView out) const override;

 private:
  std::shared_ptr<const Matrix> weight_;
};

}  // namespace rung
