#include "chapters/06_kv_cache/flat_kv_store.h"

namespace rung {

FlatKvStore::FlatKvStore(std::int64_t layers, std::int64_t slots, std::int64_t width) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    layers_.push_back({Matrix(slots, width), Matrix(slots, width)});
  }
}

void FlatKvStore::write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
                        const ConstMatrixView& values) {
  Layer& store = layers_[static_cast<std::size_t>(layer)];
  store.keys.middleRows(sequence.slot(sequence.past), sequence.rows) = keys;
  store.values.middleRows(sequence.slot(sequence.past), sequence.rows) = values;
}

ConstMatrixView FlatKvStore::keys(int layer, const SequencePlan& sequence, Matrix& /*scratch*/) const {
  return layers_[static_cast<std::size_t>(layer)].keys.middleRows(sequence.slot(sequence.first_visible),
                                                                  sequence.past - sequence.first_visible);
}

ConstMatrixView FlatKvStore::values(int layer, const SequencePlan& sequence, Matrix& /*scratch*/) const {
  return layers_[static_cast<std::size_t>(layer)].values.middleRows(sequence.slot(sequence.first_visible),
                                                                    sequence.past - sequence.first_visible);
}

std::int64_t FlatKvStore::bytes() const {
  std::int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    bytes += (layer.keys.size() + layer.values.size()) * std::int64_t{sizeof(float)};
  }
  return bytes;
}

std::int64_t FlatKvStore::bytes_per_position() const {
  std::int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    bytes += (layer.keys.cols() + layer.values.cols()) * std::int64_t{sizeof(float)};
  }
  return bytes;
}

void FlatKvStore::copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) {
  for (Layer& layer : layers_) {
    layer.keys.middleRows(to_slot, count) = layer.keys.middleRows(from_slot, count);
    layer.values.middleRows(to_slot, count) = layer.values.middleRows(from_slot, count);
  }
}

}  // namespace rung
