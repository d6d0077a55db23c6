#include "chapters/01_tokens/bpe.h"

namespace rung {
namespace {

std::uint64_t key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

void MergeTable::add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged) {
  merges_.emplace(key(left, right), Merge{rank, merged});
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<std::int32_t> MergeTable::merge(std::vector<std::int32_t> word) const {
  for (;;) {
    const Merge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const Merge* merge = find(word[i], word[i + 1]);
      if (merge == nullptr || (best != nullptr && merge->merged >= best->merged)) continue;
      best = merge;
      at = i;
    }
    if (best == nullptr) return word;
    word[at] = best->merged;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

}  // namespace rung
