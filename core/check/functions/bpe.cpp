#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/tokens.h"

namespace rung::check {
namespace {

using Ids = std::vector<std::int32_t>;
using Merges = std::vector<oracle::BpeMerge>;

// The merge of a pair of neighbours, or null.
const oracle::BpeMerge* merge_of(const Merges& merges, std::int32_t left, std::int32_t right) {
  for (const oracle::BpeMerge& merge : merges)
    if (merge.left == left && merge.right == right) return &merge;
  return nullptr;
}

// Merges one pair at a time, as long as there is one; of two pairs `better` says whether the one found later is
// taken instead.
Ids merge_by(const BpeInput& input,
             const std::function<bool(const oracle::BpeMerge& later, const oracle::BpeMerge& best)>& better) {
  Ids word = input.word;
  for (;;) {
    const oracle::BpeMerge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const oracle::BpeMerge* found = merge_of(input.merges, word[i], word[i + 1]);
      if (found == nullptr || (best != nullptr && !better(*found, *best))) continue;
      best = found;
      at = i;
    }
    if (best == nullptr) return word;
    word[at] = best->merged;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

Ids leftmost_first(const BpeInput& input) {
  return merge_by(input, [](const auto&, const auto&) { return false; });
}

Ids highest_rank_first(const BpeInput& input) {
  return merge_by(input, [](const auto& later, const auto& best) { return later.rank > best.rank; });
}

Ids rightmost_of_equals(const BpeInput& input) {
  return merge_by(input, [](const auto& later, const auto& best) { return later.rank <= best.rank; });
}

Ids lowest_id_first(const BpeInput& input) {
  return merge_by(input, [](const auto& later, const auto& best) { return later.merged < best.merged; });
}

// All pairs that are as the best one, in one walk from left to right.
Ids all_of_the_best(const BpeInput& input) {
  Ids word = input.word;
  for (;;) {
    const oracle::BpeMerge* best = nullptr;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const oracle::BpeMerge* found = merge_of(input.merges, word[i], word[i + 1]);
      if (found != nullptr && (best == nullptr || found->rank < best->rank)) best = found;
    }
    if (best == nullptr) return word;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      if (word[i] != best->left || word[i + 1] != best->right) continue;
      word[i] = best->merged;
      word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
}

// One walk over the word: what has been merged is not looked at again.
Ids one_pass(const BpeInput& input) {
  Ids result;
  for (std::size_t i = 0; i < input.word.size(); ++i) {
    const oracle::BpeMerge* found =
        i + 1 < input.word.size() ? merge_of(input.merges, input.word[i], input.word[i + 1]) : nullptr;
    result.push_back(found != nullptr ? found->merged : input.word[i]);
    if (found != nullptr) ++i;
  }
  return result;
}

/// The merges for which `taken` holds.
std::function<Ids(const BpeInput&)> of_merges(bool (*taken)(const oracle::BpeMerge&)) {
  return [taken](const BpeInput& input) {
    Merges merges;
    std::ranges::copy_if(input.merges, std::back_inserter(merges), taken);
    return oracle::bpe(input.word, merges);
  };
}

// The chapter's queue with one slip: a pair in it counts as it was found if its right half is as it was.
Ids stale_by_the_right_half(const BpeInput& input) {
  struct Pair {
    std::int32_t rank;
    std::size_t at;
    std::int32_t right, merged;
    bool operator<(const Pair& other) const { return std::tie(rank, at) < std::tie(other.rank, other.at); }
  };
  Ids word = input.word;
  constexpr std::int32_t gone = -2;
  std::multiset<Pair> pairs;
  const auto next = [&](std::size_t at) {
    do ++at;
    while (at < word.size() && word[at] == gone);
    return at;
  };
  const auto consider = [&](std::size_t at) {
    const std::size_t right = next(at);
    if (right >= word.size()) return;
    if (const oracle::BpeMerge* merge = merge_of(input.merges, word[at], word[right]))
      pairs.insert({merge->rank, at, word[right], merge->merged});
  };
  for (std::size_t i = 0; i + 1 < word.size(); ++i) consider(i);
  while (!pairs.empty()) {
    const Pair best = *pairs.begin();
    pairs.erase(pairs.begin());
    const std::size_t right = next(best.at);
    if (word[best.at] == gone || right >= word.size() || word[right] != best.right) continue;
    word[best.at] = best.merged;
    word[right] = gone;
    std::size_t previous = best.at;
    while (previous > 0 && word[previous - 1] == gone) --previous;
    if (previous > 0) consider(previous - 1);
    consider(best.at);
  }
  std::erase(word, gone);
  return word;
}

Ids last_merge_stands(const BpeInput& input) {
  return oracle::bpe(input.word, Merges(input.merges.rbegin(), input.merges.rend()));
}

// "ab" and "ba" and what is made of them, as training on a long text of two letters might rank them.
Merges two_letters() {
  return {{1, 2, 0, 3}, {3, 3, 1, 4}, {2, 1, 2, 5}, {4, 1, 3, 6}, {2, 2, 4, 7}, {7, 3, 5, 8}, {4, 4, 6, 9}};
}

}  // namespace

FunctionCheck<BpeInput, Ids> bpe_check() {
  FunctionCheck<BpeInput, Ids> check;
  check.name = "bpe";
  check.chapter = 1;
  check.what = "neighbours merged by rank, best first, until no pair can be merged";
  const Merges abc = {{1, 2, 1, 10}, {2, 3, 0, 11}, {10, 3, 2, 12}, {1, 11, 3, 13}};
  const Merges run = {{1, 1, 0, 10}, {10, 10, 1, 11}};
  check.cases = {
      {"empty", "a word without pieces", {abc, {}}},
      {"one-piece", "the word [1]", {abc, {1}}},
      {"no-merge", "the word [1, 4, 2], of which no pair can be merged", {abc, {1, 4, 2}}},
      {"one-merge", "the word [1, 2], merge 1 2 -> 10", {abc, {1, 2}}},
      {"ranks",
       "the word [1, 2, 3], merges by rank: 2 3 -> 11, 1 2 -> 10, 10 3 -> 12, no more",
       {{{1, 2, 1, 10}, {2, 3, 0, 11}, {10, 3, 2, 12}}, {1, 2, 3}}},
      {"merged-again",
       "the word [1, 2, 3], merges by rank: 2 3 -> 11, 1 2 -> 10, 10 3 -> 12, 1 11 -> 13",
       {abc, {1, 2, 3}}},
      {"ranks-and-ids",
       "the word [1, 2, 3], merges by rank: 1 2 -> 20, 2 3 -> 10; the id of a merge is no rank",
       {{{1, 2, 0, 20}, {2, 3, 1, 10}}, {1, 2, 3}}},
      {"run-of-three", "the word [1, 1, 1], merge 1 1 -> 10", {run, {1, 1, 1}}},
      {"run-of-seven", "seven pieces 1, merges by rank: 1 1 -> 10, 10 10 -> 11", {run, Ids(7, 1)}},
      {"equal-ranks",
       "the word [1, 2, 1], merges 1 2 -> 10 and 2 1 -> 11 of the same rank",
       {{{2, 1, 0, 11}, {1, 2, 0, 10}}, {1, 2, 1}}},
      {"made-in-between",
       "the word [1, 2, 1, 2], merges by rank: 10 1 -> 11, 1 2 -> 10; a merge can make a better pair",
       {{{10, 1, 0, 11}, {1, 2, 1, 10}}, {1, 2, 1, 2}}},
      {"half-as-it-was",
       "the word [1, 2, 3, 2], merges by rank: 2 3 -> 10, 1 10 -> 11, 1 2 -> 12; the first pair is no more "
       "when its "
       "turn comes, though a 2 stands there again",
       {{{2, 3, 0, 10}, {1, 10, 1, 11}, {1, 2, 2, 12}}, {1, 2, 3, 2}}},
      {"high-rank",
       "the word [1, 2], merge 1 2 -> 10 of rank 1000000; large vocabularies have many merges",
       {{{1, 2, 1'000'000, 10}}, {1, 2}}},
      {"id-zero",
       "the word [1, 2, 3], merges by rank: 1 2 -> 0, 0 3 -> 4; 0 is an id like others",
       {{{1, 2, 0, 0}, {0, 3, 1, 4}}, {1, 2, 3}}},
      {"unknown-piece",
       "the word [1, -1, 2, 3], where -1 is no piece of the vocabulary",
       {abc, {1, -1, 2, 3}}},
      {"pair-added-twice",
       "the word [1, 2], merge 1 2 -> 10 and after it 1 2 -> 14 of a better rank",
       {{{1, 2, 1, 10}, {1, 2, 0, 14}}, {1, 2}}},
      {"long",
       "forty pieces 1 and 2, seven merges",
       {two_letters(), {1, 2, 1, 1, 2, 2, 1, 2, 1, 2, 1, 2, 2, 2, 1, 1, 1, 2, 1, 2,
                        2, 1, 2, 1, 1, 2, 1, 2, 1, 2, 1, 2, 2, 1, 2, 2, 2, 2, 1, 1}}},
  };
  check.oracle = [](const BpeInput& input) { return oracle::bpe(input.word, input.merges); };
  check.mistakes = {
      {"leftmost_pair_first",
       "the leftmost pair that can be merged was merged, whatever its rank; the lowest rank goes first",
       leftmost_first},
      {"highest_rank_first",
       "the pair of the highest rank was merged first; ranks count from the first merge learnt, lowest first",
       highest_rank_first},
      {"rightmost_of_equals", "of pairs of the same rank the last one was merged; the leftmost goes first",
       rightmost_of_equals},
      {"lowest_id_first",
       "the pair whose merge has the lowest id was merged first; what counts is the merge's rank",
       lowest_id_first},
      {"all_of_the_best",
       "all pairs of the lowest rank were merged in one walk; merge one, then look again, for it may make a "
       "better pair",
       all_of_the_best},
      {"one_pass", "the word was walked over once; what was merged can be merged again, until no pair can be",
       one_pass},
      {"stale_by_the_right_half",
       "a pair was merged although its left half had become another one since it was put into the queue; "
       "look at both",
       stale_by_the_right_half},
      {"high_ranks_left_out",
       "a merge of a high rank was never made, as when the search begins at a rank such as 100000; begin "
       "with the first "
       "pair that can be merged, whatever its rank",
       of_merges([](const oracle::BpeMerge& merge) { return merge.rank < 100'000; })},
      {"zero_for_none",
       "a merge that makes the id 0 was taken for none; 0 is an id like others, none is a null pointer",
       of_merges([](const oracle::BpeMerge& merge) { return merge.merged != 0; })},
      {"last_merge_stands",
       "a pair that was added twice got the second merge; the first word on a pair stands",
       last_merge_stands},
  };
  check.show = [](const Ids& ids) { return fmt::format("[{}]", fmt::join(ids, ", ")); };
  return check;
}

}  // namespace rung::check
