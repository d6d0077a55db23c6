#include "cuda/simt/profile/ordering.h"

#include <algorithm>
#include <bit>

namespace rung::simt::profiling {

void Ordering::block_begins(unsigned linear, unsigned threads) {
  block_first_ = ++interval_;
  if (block_first_ == launch_first_) {
    begins_.clear();
  }
  begins_.push_back({block_first_, linear});
  warps_.assign((threads + lanes_in_warp - 1) / lanes_in_warp, Warp{});
}

void Ordering::warp_sync(unsigned warp, std::uint32_t mask) {
  Warp& w = warps_[warp];
  ++w.ticket;
  // All lanes of the mask now know what any of them knew, and what all of them did so far.
  std::array<std::uint32_t, lanes_in_warp> together{};
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    for (unsigned other = 0; other < lanes_in_warp; ++other) {
      together[other] = std::max(together[other], w.seen[lane][other]);
    }
  }
  for (unsigned other = 0; other < lanes_in_warp; ++other) {
    if ((mask >> other & 1U) != 0) {
      together[other] = w.ticket;
    }
  }
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    w.seen[static_cast<unsigned>(std::countr_zero(rest))] = together;
  }
}

unsigned Ordering::block_of(std::uint32_t interval) const {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), interval,
                                      [](std::uint32_t i, const Begin& begin) { return i < begin.interval; });
  return after == begins_.begin() ? 0 : after[-1].block;
}

}  // namespace rung::simt::profiling
