#include "cuda/simt/profile/lane_trace.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace rung::simt::profiling {
namespace {

// Lanes that part often are not compared to their ends each time.
constexpr std::size_t looked_ahead = 2048;

constexpr std::uint64_t behind_everything = std::numeric_limits<std::uint64_t>::max();

unsigned lowest(std::uint32_t mask) {
  return static_cast<unsigned>(std::countr_zero(mask));
}

template <class F>
void for_each_lane(std::uint32_t mask, F f) {
  for (; mask != 0; mask &= mask - 1) {
    f(lowest(mask));
  }
}

// How many of the first `most` tokens are the same. Mostly all are, so they are compared many at a time.
std::size_t common_length(const Token* a, const Token* b, std::size_t most) {
  constexpr std::size_t many = 32;
  std::size_t same = 0;
  while (most - same >= many && std::memcmp(a + same, b + same, many * sizeof(Token)) == 0) {
    same += many;
  }
  return static_cast<std::size_t>(std::mismatch(a + same, a + most, b + same).first - a);
}

}  // namespace

bool WarpReplay::empty() const {
  return std::all_of(lanes.begin(), lanes.end(), [](const LaneTrace& lane) { return lane.tokens.empty(); });
}

void WarpReplay::reset() {
  for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
    lanes[lane].tokens.clear();
    lanes[lane].operands.clear();
    at_[lane].token = at_[lane].operand = 0;
    at_[lane].calls.clear();
  }
}

// The lane with the smallest key goes first: the deepest one, of these the one at the lowest place.
std::uint64_t WarpReplay::key(unsigned lane, Token token) const {
  const std::uint64_t shallowness = std::numeric_limits<std::uint32_t>::max() - at_[lane].calls.size();
  return shallowness << 32U | token.place();
}

void WarpReplay::apply_call(Lane& lane, Token token) {
  if (token.kind() == Token::Kind::call) {
    lane.calls.push_back((lane.path() + token.place()) * 0x9e3779b97f4a7c15U);
  } else if (token.kind() == Token::Kind::leave && !lane.calls.empty()) {
    lane.calls.pop_back();
  }
}

// How many tokens from here on all lanes of the mask have in common.
std::size_t WarpReplay::common_length(unsigned leader, std::uint32_t mask) const {
  const Token* first = lanes[leader].tokens.data() + at_[leader].token;
  std::size_t length = std::min(lanes[leader].tokens.size() - at_[leader].token, looked_ahead);
  for_each_lane(mask & ~(1U << leader), [&](unsigned lane) {
    const Token* other = lanes[lane].tokens.data() + at_[lane].token;
    length =
        profiling::common_length(first, other, std::min(length, lanes[lane].tokens.size() - at_[lane].token));
  });
  return length;
}

// Lets the waiting lanes go whose partners have all come. With `force` the first of them go in any case.
bool WarpReplay::meet(ReplayVisitor& visitor, std::uint32_t waiting, bool force) {
  bool any = false;
  while (waiting != 0) {
    const unsigned leader = lowest(waiting);
    const Operand operand = lanes[leader].operands[at_[leader].operand];
    const auto mask = static_cast<std::uint32_t>(operand.address()) | 1U << leader;
    std::uint32_t here = 0;
    for_each_lane(mask & waiting, [&](unsigned lane) {
      if (lane == leader || lanes[lane].operands[at_[lane].operand].address() == operand.address()) {
        here |= 1U << lane;
      }
    });
    if (here == mask || force) {
      visitor.rendezvous(here, operand.bytes() != 0);
      for_each_lane(here, [&](unsigned lane) {
        ++at_[lane].token;
        ++at_[lane].operand;
      });
      any = true;
      force = false;
    }
    waiting &= ~here;
  }
  return any;
}

// Whether the lanes of the mask, and no others, meet at the collective whose operand is `ahead` of the next one.
bool WarpReplay::all_meet(std::uint32_t mask, std::size_t ahead) const {
  bool all = true;
  for_each_lane(
      mask, [&](unsigned lane) { all &= lanes[lane].operands[at_[lane].operand + ahead].address() == mask; });
  return all;
}

// Issues for all lanes of the mask together, until they part or other lanes (the smallest of whose keys is `until`)
// have caught up.
void WarpReplay::run(ReplayVisitor& visitor, std::uint32_t mask, unsigned leader, std::uint64_t until) {
  const auto width = static_cast<unsigned>(std::popcount(mask));
  const std::size_t length = common_length(leader, mask);
  const Token* tokens = lanes[leader].tokens.data() + at_[leader].token;
  WarpAccess access;
  access.mask = mask;
  std::uint64_t issued = 0;
  std::size_t done = 0;
  std::size_t operands = 0;
  for (; done < length; ++done) {
    const Token token = tokens[done];
    if (done > 0 && until != behind_everything && key(leader, token) >= until) {
      break;
    }
    if (token.kind() == Token::Kind::rendezvous) {
      if (!all_meet(mask, operands)) {
        break;  // replay() sorts out who waits for whom
      }
      visitor.rendezvous(mask, lanes[leader].operands[at_[leader].operand + operands].bytes() != 0);
      ++operands;
      continue;
    }
    if (token.kind() == Token::Kind::call || token.kind() == Token::Kind::leave) {
      for_each_lane(mask, [&](unsigned lane) { apply_call(at_[lane], token); });
      continue;
    }
    ++issued;
    if (token.kind() == Token::Kind::access) {
      access.place = token.place();
      for_each_lane(mask, [&](unsigned lane) {
        access.operand[lane] = lanes[lane].operands[at_[lane].operand + operands];
      });
      ++operands;
      visitor.access(access);
    }
  }
  for_each_lane(mask, [&](unsigned lane) {
    at_[lane].token += done;
    at_[lane].operand += operands;
  });
  visitor.issued(issued, width);
}

void WarpReplay::replay(ReplayVisitor& visitor) {
  while (true) {
    std::uint32_t waiting = 0;
    std::uint32_t first = 0;  // the lanes with the smallest key and the leader's path
    unsigned leader = 0;
    std::uint64_t smallest = behind_everything;
    std::uint64_t second = behind_everything;
    for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
      if (ended(lane)) {
        continue;
      }
      const Token token = next(lane);
      if (token.kind() == Token::Kind::rendezvous) {
        waiting |= 1U << lane;
        continue;
      }
      const std::uint64_t k = key(lane, token);
      if (k < smallest) {
        second = smallest;
        smallest = k;
        leader = lane;
        first = 1U << lane;
      } else if (k == smallest && token == next(leader) && at_[lane].path() == at_[leader].path()) {
        first |= 1U << lane;
      } else {
        second = std::min(second, k);
      }
    }
    if (waiting != 0 && meet(visitor, waiting, first == 0)) {
      continue;
    }
    if (first == 0) {
      break;
    }
    run(visitor, first, leader, second);
  }
  for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
    lanes[lane].tokens.clear();
    lanes[lane].operands.clear();
    at_[lane].token = at_[lane].operand = 0;
  }
}

}  // namespace rung::simt::profiling
