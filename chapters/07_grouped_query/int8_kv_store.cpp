#include "chapters/07_grouped_query/int8_kv_store.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
      scale = head.cwiseAbs().maxCoeff() / 127;
      for (Eigen::Index d = 0; d < head_dim; ++d) {
        const long ratio = scale > 0 ? std::lrint(head(0, d) / scale) : 0;
        // Where a scale has lost its digits, near the smallest numbers that fp32 has, it can be 128 and more.
        stored(0, d) = static_cast<std::int8_t>(std::clamp(ratio, -127L, 127L));
      }
    }
  }
}

ConstMatrixView Int8KvStore::decode(const Quantised& store, const SequencePlan& sequence,
                                    Matrix& scratch) const {
  const Eigen::Index first = sequence.slot(sequence.first_visible);
  const Eigen::Index head_dim = shape_.head_dim;
  scratch.resize(sequence.length() - sequence.first_visible, shape_.heads * head_dim);
  for (Eigen::Index s = 0; s < scratch.rows(); ++s) {
    for (Eigen::Index g = 0; g < shape_.heads; ++g) {
      scratch.block(s, g * head_dim, 1, head_dim) =
          store.numbers.block(first + s, g * head_dim, 1, head_dim).cast<float>() *
          store.scales(first + s, g);
    }
  }
  return scratch;
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
