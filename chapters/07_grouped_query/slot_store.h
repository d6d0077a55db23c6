#pragma once

#include <cstdint>
#include <memory>

#include "core/stage/kv_store.h"
#include "core/stage/kv_type.h"

namespace rung {

/// A KvStore of numbered slots that can also copy them, which is what a fork needs. It reads and writes positions
/// whose slots are next to each other.
class SlotStore : public KvStore {
 public:
  /// Copies `count` slots of every layer; the two ranges do not overlap.
  virtual void copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) = 0;
};

/// What a store holds.
struct SlotStoreShape {
  std::int64_t layers = 0;
  std::int64_t slots = 0;
  std::int64_t heads = 0;     ///< G
  std::int64_t head_dim = 0;  ///< D
};

/// A store of that type. Memory is asked for at once; the system hands out pages as they are written.
std::unique_ptr<SlotStore> make_slot_store(KvType type, const SlotStoreShape& shape);

}  // namespace rung
