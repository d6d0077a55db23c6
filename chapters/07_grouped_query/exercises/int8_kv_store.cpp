// Exercise 7.4: keys and values as int8. What a store must do stands in core/stage/kv_store.h, how this one keeps its
// numbers in chapters/07_grouped_query/int8_kv_store.h.
//
// This file takes the place of chapters/07_grouped_query/int8_kv_store.cpp, so it must define what that one does. encode
// in part and decode are yours.

#include "chapters/07_grouped_query/int8_kv_store.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace rung {

Int8KvStore::Int8KvStore(const SlotStoreShape& shape) : shape_(shape) {
  const auto room = [&] {
    Quantised quantised;
    quantised.numbers.resize(shape.slots, shape.heads * shape.head_dim);
    quantised.scales.resize(shape.slots, shape.heads);
    return quantised;
  };
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) layers_.push_back({room(), room()});
}

void Int8KvStore::write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
                        const ConstMatrixView& values) {
  Layer& store = layers_[static_cast<std::size_t>(layer)];
  encode(keys, sequence.slot(sequence.past), store.keys);
  encode(values, sequence.slot(sequence.past), store.values);
}

ConstMatrixView Int8KvStore::keys(int layer, const SequencePlan& sequence, Matrix& scratch) const {
  return decode(layers_[static_cast<std::size_t>(layer)].keys, sequence, scratch);
}

ConstMatrixView Int8KvStore::values(int layer, const SequencePlan& sequence, Matrix& scratch) const {
  return decode(layers_[static_cast<std::size_t>(layer)].values, sequence, scratch);
}

// Makes bytes of rows, [T, G · D], in the slots from first_slot on.
void Int8KvStore::encode(const ConstMatrixView& rows, std::int64_t first_slot, Quantised& store) const {
  const Eigen::Index head_dim = shape_.head_dim;
  for (Eigen::Index t = 0; t < rows.rows(); ++t) {
    for (Eigen::Index g = 0; g < shape_.heads; ++g) {
      const auto head = rows.block(t, g * head_dim, 1, head_dim);
      auto stored = store.numbers.block(first_slot + t, g * head_dim, 1, head_dim);
      float& scale = store.scales(first_slot + t, g);
      if (!head.allFinite()) {  // no byte stands for these; a NaN must stay one
        scale = std::numeric_limits<float>::quiet_NaN();
        stored.setZero();
        continue;
      }
      // Yours: scale, and all numbers of stored, which is [1, D] as head is.
      throw Error(ErrorKind::bad_input,
                  "encode is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.4");
    }
  }
}

// Returns positions [first_visible, length()), [length() - first_visible, G · D], as fp32: in scratch, which may have
// any size when it comes.
ConstMatrixView Int8KvStore::decode(const Quantised& store, const SequencePlan& sequence,
                                    Matrix& scratch) const {
  throw Error(ErrorKind::bad_input,
              "decode is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.4");
}

std::int64_t Int8KvStore::per_slot() const {
  return 2 * shape_.heads * (shape_.head_dim + std::int64_t{sizeof(float)});  // keys and values
}

std::int64_t Int8KvStore::bytes() const {
  std::int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    for (const Quantised* part : {&layer.keys, &layer.values}) {
      bytes += part->numbers.size() + part->scales.size() * std::int64_t{sizeof(float)};
    }
  }
  return bytes;
}

std::int64_t Int8KvStore::bytes_per_position() const {
  return shape_.layers * per_slot();
}

void Int8KvStore::copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) {
  for (Layer& layer : layers_) {
    for (Quantised* part : {&layer.keys, &layer.values}) {
      part->numbers.middleRows(to_slot, count) = part->numbers.middleRows(from_slot, count);
      part->scales.middleRows(to_slot, count) = part->scales.middleRows(from_slot, count);
    }
  }
}

}  // namespace rung
