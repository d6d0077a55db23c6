#include "cuda/simt/warp.h"

#include <string>

namespace rung::simt::detail {

namespace {

/// One lane's part of a vote.
struct Vote {
  bool predicate;
  unsigned ballot;
};

void complete_vote(void* const arguments[32], unsigned) {
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (arguments[lane] != nullptr && static_cast<Vote*>(arguments[lane])->predicate) ballot |= 1u << lane;
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (arguments[lane] != nullptr) static_cast<Vote*>(arguments[lane])->ballot = ballot;
  }
}

constexpr Collective ballot_collective{WarpOp::vote, "__ballot_sync", complete_vote};
constexpr Collective any_collective{WarpOp::vote, "__any_sync", complete_vote};

/// __all_sync must know which lanes took part: its predicates are turned round.
constexpr Collective all_collective{WarpOp::vote, "__all_sync", complete_vote};
constexpr Collective sync_collective{WarpOp::syncwarp, "__syncwarp", nullptr};

/// One lane's part of a match.
struct Match {
  unsigned long long value;
  unsigned lanes;
};

constexpr Collective match_collective{WarpOp::match, "__match_any_sync",
                                      [](void* const arguments[32], unsigned) {
                                        for (unsigned lane = 0; lane < 32; ++lane) {
                                          auto* mine = static_cast<Match*>(arguments[lane]);
                                          if (mine == nullptr) continue;
                                          for (unsigned other = 0; other < 32; ++other) {
                                            auto* theirs = static_cast<Match*>(arguments[other]);
                                            if (theirs != nullptr && theirs->value == mine->value)
                                              mine->lanes |= 1u << other;
                                          }
                                        }
                                      }};

unsigned vote(const Collective& collective, unsigned mask, bool predicate, Where where) {
  Vote mine{predicate, 0};
  arrive(collective, &mine, mask, where);
  return mine.ballot;
}

}  // namespace

void fail_shuffle(unsigned lane, unsigned from, unsigned mask, const char* name, Where where) {
  const Aside here;
  fail_for(lane,
           std::string(name) + " reads lane " + std::to_string(from) + ", which does not take part (lanes " +
               mask_text(mask) + "): its value is undefined",
           where);
}

unsigned ballot(unsigned mask, bool predicate, Where where) {
  return vote(ballot_collective, mask, predicate, where);
}

unsigned match_any(unsigned mask, unsigned long long value, Where where) {
  Match mine{value, 0};
  arrive(match_collective, &mine, mask, where);
  return mine.lanes;
}

}  // namespace rung::simt::detail

using namespace rung::simt::detail;

void __syncwarp(unsigned mask, rung::simt::Where where) {
  arrive(sync_collective, nullptr, mask, where);
}

int __any_sync(unsigned mask, int predicate, rung::simt::Where where) {
  return vote(any_collective, mask, predicate != 0, where) != 0;
}

int __all_sync(unsigned mask, int predicate, rung::simt::Where where) {
  return vote(all_collective, mask, predicate == 0, where) == 0;
}
