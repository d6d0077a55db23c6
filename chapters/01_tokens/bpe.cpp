#include "chapters/01_tokens/bpe.h"

#include <queue>
#include <tuple>

namespace rung {
namespace {

std::uint64_t key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

// The pieces of a word as a doubly linked list in arrays: merging takes one out without moving the others.
struct Links {
  std::vector<std::int32_t> previous, next;

  explicit Links(std::int32_t n) : previous(n), next(n) {
    for (std::int32_t i = 0; i < n; ++i) {
      previous[i] = i - 1;
      next[i] = i + 1 < n ? i + 1 : -1;
    }
  }

  void take_out(std::int32_t i) {
    if (previous[i] >= 0) next[previous[i]] = next[i];
    if (next[i] >= 0) previous[next[i]] = previous[i];
  }
};

// [candidate]
// A pair that could be merged when it was found; either side may have changed since.
struct Candidate {
  std::int32_t rank, at, left, right, merged;

  // std::priority_queue puts the largest on top; the best is the lowest rank, then the leftmost.
  bool operator<(const Candidate& other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
};
// [candidate]

}  // namespace

void MergeTable::add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged) {
  merges_.emplace(key(left, right), Merge{rank, merged});
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<std::int32_t> MergeTable::merge(std::vector<std::int32_t> word) const {
  if (word.size() < 2) return word;
  Links links(static_cast<std::int32_t>(word.size()));
  std::priority_queue<Candidate> queue;
  const auto consider = [&](std::int32_t at) {
    const std::int32_t right = at < 0 ? -1 : links.next[at];
    if (right < 0) return;
    if (const Merge* merge = find(word[at], word[right]))
      queue.push({merge->rank, at, word[at], word[right], merge->merged});
  };
  for (std::int32_t i = 0; i + 1 < static_cast<std::int32_t>(word.size()); ++i) consider(i);

  constexpr std::int32_t gone = -2;
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const std::int32_t right = links.next[best.at];
    if (word[best.at] != best.left || right < 0 || word[right] != best.right) continue;  // out of date
    word[best.at] = best.merged;
    word[right] = gone;
    links.take_out(right);
    consider(links.previous[best.at]);
    consider(best.at);
  }
  std::erase(word, gone);
  return word;
}

}  // namespace rung
