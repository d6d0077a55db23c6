#pragma once

#include <cstdint>
#include <vector>

#include "chapters/07_grouped_query/slot_store.h"

namespace rung {

/// Keys and values as fp16: half the bytes of fp32, each number rounded to 11 significant bits. What is beyond 65504
/// becomes infinite. Reading decodes to fp32, into the caller's scratch.
class HalfKvStore : public SlotStore {
 public:
  /// Allocates layers · slots positions of 2-byte keys and values.
  explicit HalfKvStore(const SlotStoreShape& shape);

  void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override;
  ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  std::int64_t bytes() const override;
  std::int64_t bytes_per_position() const override;
  void copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) override;

 private:
  using Halves = Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  struct Layer {
    Halves keys, values;  // [slots, G · D]
  };
  std::vector<Layer> layers_;
};

}  // namespace rung
