#pragma once

#include <cstdint>

#include "core/stage/plan.h"
#include "core/tensor/matrix.h"

namespace rung {

/// The bytes of the remembered keys and values: for every layer and slot one row of keys and one of values,
/// each [heads · head_dim] numbers wide. Which slot holds which position is the Plan's business.
class KvStore {
 public:
  virtual ~KvStore() = default;

  /// Writes the keys and values of one sequence's new positions [past, length).
  /// @param keys, values  [rows, width], the rows of this sequence alone
  virtual void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
                     const ConstMatrixView& values) = 0;

  /// Keys (values) of positions [first_visible, length), in order: [length - first_visible, width]. A view of
  /// the store where it holds fp32 rows next to each other, else gathered into `scratch`.
  virtual ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const = 0;
  /// The same for values.
  virtual ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const = 0;

  /// Bytes allocated for keys and values.
  virtual std::int64_t bytes() const = 0;
  /// Bytes of one position's keys and values over all layers.
  virtual std::int64_t bytes_per_position() const = 0;
};

}  // namespace rung
