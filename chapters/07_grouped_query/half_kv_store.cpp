#include "chapters/07_grouped_query/half_kv_store.h"

namespace rung {

HalfKvStore::HalfKvStore(const SlotStoreShape& shape) {
  const std::int64_t width = shape.heads * shape.head_dim;
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    layers_.push_back({Halves(shape.slots, width), Halves(shape.slots, width)});
  }
}

void HalfKvStore::write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
                        const ConstMatrixView& values) {
  Layer& store = layers_[static_cast<std::size_t>(layer)];
  const std::int64_t slot = sequence.slot(sequence.past);
  store.keys.middleRows(slot, sequence.rows) = keys.cast<Eigen::half>();  // to nearest, ties to even
  store.values.middleRows(slot, sequence.rows) = values.cast<Eigen::half>();
}

ConstMatrixView HalfKvStore::keys(int layer, const SequencePlan& sequence, Matrix& scratch) const {
  scratch =
      layers_[static_cast<std::size_t>(layer)]
          .keys.middleRows(sequence.slot(sequence.first_visible), sequence.length() - sequence.first_visible)
          .cast<float>();
  return scratch;
}

ConstMatrixView HalfKvStore::values(int layer, const SequencePlan& sequence, Matrix& scratch) const {
  scratch = layers_[static_cast<std::size_t>(layer)]
                .values
                .middleRows(sequence.slot(sequence.first_visible), sequence.length() - sequence.first_visible)
                .cast<float>();
  return scratch;
}

std::int64_t HalfKvStore::bytes() const {
  std::int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    bytes += (layer.keys.size() + layer.values.size()) * std::int64_t{sizeof(Eigen::half)};
  }
  return bytes;
}

std::int64_t HalfKvStore::bytes_per_position() const {
  std::int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    bytes += (layer.keys.cols() + layer.values.cols()) * std::int64_t{sizeof(Eigen::half)};
  }
  return bytes;
}

void HalfKvStore::copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) {
  for (Layer& layer : layers_) {
    layer.keys.middleRows(to_slot, count) = layer.keys.middleRows(from_slot, count);
    layer.values.middleRows(to_slot, count) = layer.values.middleRows(from_slot, count);
  }
}

}  // namespace rung
