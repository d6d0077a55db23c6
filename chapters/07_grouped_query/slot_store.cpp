#include "chapters/07_grouped_query/slot_store.h"

#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/07_grouped_query/half_kv_store.h"
#include "chapters/07_grouped_query/int8_kv_store.h"

namespace rung {

namespace {

/// Chapter 06's store.
class FloatSlots : public SlotStore {
 public:
  explicit FloatSlots(const SlotStoreShape& shape)
      : store_(shape.layers, shape.slots, shape.heads * shape.head_dim) {}

  void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override {
    store_.write(layer, sequence, keys, values);
  }
  ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const override {
    return store_.keys(layer, sequence, scratch);
  }
  ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const override {
    return store_.values(layer, sequence, scratch);
  }
  std::int64_t bytes() const override { return store_.bytes(); }
  std::int64_t bytes_per_position() const override { return store_.bytes_per_position(); }
  void copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) override {
    store_.copy(from_slot, to_slot, count);
  }

 private:
  FlatKvStore store_;
};

}  // namespace

std::unique_ptr<SlotStore> make_slot_store(KvType type, const SlotStoreShape& shape) {
  switch (type) {
    case KvType::f16:
      return std::make_unique<HalfKvStore>(shape);
    case KvType::i8:
      return std::make_unique<Int8KvStore>(shape);
    case KvType::f32:
      break;
  }
  return std::make_unique<FloatSlots>(shape);
}

}  // namespace rung
