// Exercise 6.2: the store. What it must do stands in core/stage/kv_store.h and chapters/06_kv_cache/flat_kv_store.h.
//
// This file takes the place of chapters/06_kv_cache/flat_kv_store.cpp, so it must define what that one does. The
// constructor and the two counts of bytes are given; write, keys, values and copy are yours.

#include "chapters/06_kv_cache/flat_kv_store.h"

#include "core/error.h"

namespace rung {

// Given: per layer a matrix of keys and one of values, [slots, width].
FlatKvStore::FlatKvStore(std::int64_t layers, std::int64_t slots, std::int64_t width) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    layers_.push_back({Matrix(slots, width), Matrix(slots, width)});
  }
}

void FlatKvStore::write(int layer, const SequencePlan& sequence,
                        const ConstMatrixView& keys,      // [sequence.rows, width]
                        const ConstMatrixView& values) {  // [sequence.rows, width]
  throw Error(ErrorKind::bad_input,
              "write is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.2");
}

// Both return positions [first_visible, length()): [length() - first_visible, width]. scratch is for stores that
// must gather rows from several places; this one has them next to each other.
ConstMatrixView FlatKvStore::keys(int layer, const SequencePlan& sequence, Matrix& /*scratch*/) const {
  throw Error(ErrorKind::bad_input,
              "keys is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.2");
}

ConstMatrixView FlatKvStore::values(int layer, const SequencePlan& sequence, Matrix& /*scratch*/) const {
  throw Error(ErrorKind::bad_input,
              "values is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.2");
}

void FlatKvStore::copy(std::int64_t from_slot, std::int64_t to_slot, std::int64_t count) {
  throw Error(ErrorKind::bad_input,
              "copy is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.2");
}

// Given.
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

}  // namespace rung
