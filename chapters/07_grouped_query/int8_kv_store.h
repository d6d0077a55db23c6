#pragma once

#include <cstdint>
#include <vector>

#include "chapters/07_grouped_query/slot_store.h"

namespace rung {

/// Keys and values as int8: the D numbers that one head has at one position are kept as bytes and a scale, which is the
/// largest magnitude divided by 127, so that the largest becomes 127 or -127. A number is off by half a scale at most. (Only
/// below 2.3e-41, where fp32 has less than 15 bits left, the scale is too coarse for that: what would come to more than
/// 127 scales becomes 127.) A head with a number that is not finite reads as NaN. Reading decodes to fp32, into the
/// caller's scratch.
class Int8KvStore : public SlotStore {
 public:
  /// Allocates layers · slots positions of 1-byte keys and values, with a scale for each head.
  explicit Int8KvStore(const SlotStoreShape& shape);

  void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override;
  ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  std::int64_t bytes() const override;
  std::int64_t bytes_per_position() const override;
  void copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) override;

 private:
  // [quantised]
  struct Quantised {
    Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> numbers;  // [slots, G · D]
    Matrix scales;                                                                        // [slots, G]
  };
  // [quantised]
  struct Layer {
    Quantised keys, values;
  };
  void encode(const ConstMatrixView& rows, std::int64_t first_slot, Quantised& store) const;
  ConstMatrixView decode(const Quantised& store, const SequencePlan& sequence, Matrix& scratch) const;
  std::int64_t per_slot() const;  // bytes of one slot in one layer

  SlotStoreShape shape_;
  std::vector<Layer> layers_;
};

}  // namespace rung
