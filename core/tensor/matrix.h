#pragma once

#include <Eigen/Core>

namespace rung {

/// fp32, row-major, [rows, columns]: one row per token. Owns its numbers.
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A view of somebody's row-major numbers; its rows may be apart (a block of columns of a wider matrix).
using MatrixView = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

/// The same, read-only. Take it as a parameter by const reference. It is always a view, never a silent copy,
/// as long as what it is made from is row-major fp32.
using ConstMatrixView = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;

/// [n] fp32 numbers.
using Vector = Eigen::VectorXf;
/// A view of such numbers, read-only.
using ConstVectorView = Eigen::Ref<const Vector>;

}  // namespace rung
