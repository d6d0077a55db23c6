// Exercise 1.3: merging. What MergeTable::merge must do stands in chapters/01_tokens/bpe.h.
//
// This file takes the place of chapters/01_tokens/bpe.cpp, so it must define what that one does: MergeTable::add,
// MergeTable::find (both given) and MergeTable::merge.

#include "chapters/01_tokens/bpe.h"

#include "core/error.h"

namespace rung {
namespace {

// Given: both ids of a pair in one number.
std::uint64_t key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

// Given: the first word on a pair stands.
void MergeTable::add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged) {
  merges_.emplace(key(left, right), Merge{rank, merged});
}

// Given: the merge of two neighbours, with its rank and the id of what they become; null when there is none.
const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<std::int32_t> MergeTable::merge(std::vector<std::int32_t> word) const {
  throw Error(ErrorKind::bad_input,
              "MergeTable::merge is not written yet: chapters/01_tokens/exercises/README.md, exercise 1.3");
}

}  // namespace rung
