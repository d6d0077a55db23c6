#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rung {

/// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909, section 3.2): a word starts as its smallest
/// pieces; the neighbours whose merge ranks best become one, the leftmost of equals first, until no pair can
/// be merged.
///
/// The merges a tokenizer knows, by the ids of the two pieces.
class MergeTable {
 public:
  /// From now on `left right` may become `merged`; a lower rank goes first. The first word on a pair stands.
  void add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged);
  /// Makes room for that many merges at once.
  void reserve(std::size_t merges) { merges_.reserve(merges); }

  /// Merges a word as far as it goes, in O(n log n).
  /// @param word ids of its smallest pieces; a negative id merges with nothing
  std::vector<std::int32_t> merge(std::vector<std::int32_t> word) const;

 private:
  struct Merge {
    std::int32_t rank;
    std::int32_t merged;
  };
  const Merge* find(std::int32_t left, std::int32_t right) const;

  std::unordered_map<std::uint64_t, Merge> merges_;
};

}  // namespace rung
