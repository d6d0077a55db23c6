#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cuda/simt/profile/l2_model.h"
#include "cuda/simt/profile/request.h"

namespace rung::simt::profiling {

/// What the blocks of a launch ask the L2 for, put in an order that a device could have.
///
/// A device holds a wave of blocks at a time; here they run one after another. Each block's requests are kept until the
/// wave is complete, and then handed to the L2 in turns: one request of the first block, one of the second, and so on,
/// then the next of each. Within a block the order is that of the CPU: warp after warp, from barrier to barrier.
class L2Traffic {
 public:
  /// An empty cache of that many bytes.
  L2Traffic(std::size_t l2_bytes, std::size_t blocks_in_a_wave);

  /// What follows are its requests.
  void block_begins();
  /// One request of a warp of the current block.
  void request(const Sectors& sectors, bool loads, bool stores);
  /// The launch is over: serves the last wave and writes back what is left.
  void finish();

  /// The cache; complete after finish().
  const L2Model& l2() const { return l2_; }
  /// Asked for so far, in both directions.
  std::uint64_t sectors() const { return sectors_; }

 private:
  void serve();

  L2Model l2_;
  std::size_t blocks_in_a_wave_;
  std::vector<std::vector<std::uint64_t>> wave_;  // per block: sectors with their flags
  std::size_t blocks_ = 0;                        // of the wave, so far
  std::uint64_t sectors_ = 0;
};

}  // namespace rung::simt::profiling
