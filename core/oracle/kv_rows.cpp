#include "core/oracle/kv_rows.h"

namespace rung::oracle {

void KvRows::write(int layer, std::int64_t slot, const std::vector<double>& keys,
                   const std::vector<double>& values) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i);
    numbers_[{layer, slot + number / width_, number % width_}] = {.key = keys[i], .value = values[i]};
  }
}

const KvRows::Pair& KvRows::at(int layer, std::int64_t slot, std::int64_t column) const {
  static const Pair none;
  const auto found = numbers_.find({layer, slot, column});
  return found == numbers_.end() ? none : found->second;
}

std::vector<double> KvRows::keys(int layer, std::int64_t slot, std::int64_t rows) const {
  std::vector<double> keys;
  keys.reserve(static_cast<std::size_t>(rows * width_));
  for (std::int64_t i = 0; i < rows * width_; ++i)
    keys.push_back(at(layer, slot + i / width_, i % width_).key);
  return keys;
}

std::vector<double> KvRows::values(int layer, std::int64_t slot, std::int64_t rows) const {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(rows * width_));
  for (std::int64_t i = 0; i < rows * width_; ++i) {
    values.push_back(at(layer, slot + i / width_, i % width_).value);
  }
  return values;
}

void KvRows::copy(int layers, std::int64_t from, std::int64_t to, std::int64_t rows) {
  for (int layer = 0; layer < layers; ++layer)
    write(layer, to, keys(layer, from, rows), values(layer, from, rows));
}

}  // namespace rung::oracle
