#include "cuda/simt/profile/l2_traffic.h"

#include <algorithm>

namespace rung::simt::profiling {
namespace {

constexpr std::uint64_t loaded = std::uint64_t{1} << 63U;
constexpr std::uint64_t stored = std::uint64_t{1} << 62U;
constexpr std::uint64_t begins = std::uint64_t{1} << 61U;  // the first sector of a request
constexpr std::uint64_t number = begins - 1;

}  // namespace

L2Traffic::L2Traffic(std::size_t l2_bytes, std::size_t blocks_in_a_wave)
    : l2_(l2_bytes), blocks_in_a_wave_(std::max<std::size_t>(1, blocks_in_a_wave)) {}

void L2Traffic::block_begins() {
  if (blocks_ == blocks_in_a_wave_) {
    serve();
  }
  ++blocks_;
  if (wave_.size() < blocks_) {
    wave_.emplace_back();
  }
}

void L2Traffic::request(const Sectors& sectors, bool loads, bool stores) {
  sectors_ += sectors.count;
  const std::uint64_t flags = (loads ? loaded : 0) | (stores ? stored : 0);
  std::vector<std::uint64_t>& stream = wave_[blocks_ - 1];
  for (unsigned i = 0; i < sectors.count; ++i) {
    stream.push_back(sectors.number[i] | flags | (i == 0 ? begins : 0));
  }
}

void L2Traffic::serve() {
  std::vector<std::size_t> next(blocks_, 0);
  for (bool any = true; any;) {
    any = false;
    for (std::size_t block = 0; block < blocks_; ++block) {
      const std::vector<std::uint64_t>& stream = wave_[block];
      std::size_t& i = next[block];
      if (i == stream.size()) {
        continue;
      }
      any = true;
      do {
        if ((stream[i] & loaded) != 0) {
          l2_.load(stream[i] & number);
        }
        if ((stream[i] & stored) != 0) {
          l2_.store(stream[i] & number);
        }
      } while (++i < stream.size() && (stream[i] & begins) == 0);
    }
  }
  for (std::size_t block = 0; block < blocks_; ++block) {
    wave_[block].clear();
  }
  blocks_ = 0;
}

void L2Traffic::finish() {
  serve();
  l2_.flush();
}

}  // namespace rung::simt::profiling
