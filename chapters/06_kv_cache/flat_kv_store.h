#pragma once

#include <cstdint>
#include <vector>

#include "core/stage/kv_store.h"

namespace rung {

/// Keys and values as fp32, slot after slot: per layer one matrix of keys and one of values, [slots, width].
/// The memory is asked for at once, but the system hands out pages only as they are written.
class FlatKvStore : public KvStore {
 public:
  /// @param width  heads · head_dim numbers per slot
  FlatKvStore(std::int64_t layers, std::int64_t slots, std::int64_t width);

  void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override;
  ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const override;
  std::int64_t bytes() const override;
  std::int64_t bytes_per_position() const override;

  /// Copies `count` slots of every layer; the two ranges do not overlap.
  void copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count);

 private:
  struct Layer {
    Matrix keys, values;  // [slots, width]
  };
  std::vector<Layer> layers_;
};

}  // namespace rung
