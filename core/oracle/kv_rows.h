#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace rung::oracle {

/// A store of keys and values, one number at a time: by layer, slot and column.
class KvRows {
 public:
  /// @param width  numbers in a slot's keys, and in its values
  explicit KvRows(std::int64_t width) : width_(width) {}

  /// @param keys, values  [rows · width], for the slots from `slot` on
  void write(int layer, std::int64_t slot, const std::vector<double>& keys,
             const std::vector<double>& values);
  std::vector<double> keys(int layer, std::int64_t slot, std::int64_t rows) const;    ///< [rows · width]
  std::vector<double> values(int layer, std::int64_t slot, std::int64_t rows) const;  ///< [rows · width]
  /// Copies `rows` slots from `from` on to those from `to` on, in all layers.
  void copy(int layers, std::int64_t from, std::int64_t to, std::int64_t rows);

 private:
  struct Pair {
    double key = 0, value = 0;
  };
  const Pair& at(int layer, std::int64_t slot, std::int64_t column) const;

  std::int64_t width_;
  std::map<std::tuple<int, std::int64_t, std::int64_t>, Pair> numbers_;
};

}  // namespace rung::oracle
