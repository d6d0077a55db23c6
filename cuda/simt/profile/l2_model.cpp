#include "cuda/simt/profile/l2_model.h"

#include <algorithm>
#include <bit>

namespace rung::simt::profiling {

L2Model::L2Model(std::size_t bytes) : capacity_(std::max<std::size_t>(1, bytes / 128)), lines_(1) {
  buckets_.assign(std::bit_ceil(2 * std::min<std::size_t>(capacity_, std::size_t{1} << 20)), 0);
}

std::size_t L2Model::bucket_of(std::uint64_t number) const {
  return static_cast<std::size_t>(number * 0x9e3779b97f4a7c15U >> 32) & (buckets_.size() - 1);
}

std::uint32_t L2Model::find(std::uint64_t number) const {
  if (lines_[0].older != 0 && lines_[lines_[0].older].number == number) {
    return lines_[0].older;  // the newest one, again
  }
  for (std::uint32_t i = buckets_[bucket_of(number)]; i != 0; i = lines_[i].next_in_bucket) {
    if (lines_[i].number == number) {
      return i;
    }
  }
  return 0;
}

void L2Model::unlink(std::uint32_t line) {
  lines_[lines_[line].newer].older = lines_[line].older;
  lines_[lines_[line].older].newer = lines_[line].newer;
}

// The anchor's `older` is the newest line, its `newer` the oldest.
void L2Model::make_newest(std::uint32_t line) {
  lines_[line].newer = 0;
  lines_[line].older = lines_[0].older;
  lines_[lines_[0].older].newer = line;
  lines_[0].older = line;
}

void L2Model::evict(std::uint32_t line) {
  written_back_ += static_cast<unsigned>(std::popcount(lines_[line].dirty));
  std::uint32_t* link = &buckets_[bucket_of(lines_[line].number)];
  while (*link != line) {
    link = &lines_[*link].next_in_bucket;
  }
  *link = lines_[line].next_in_bucket;
  unlink(line);
}

std::uint32_t L2Model::insert(std::uint64_t number) {
  std::uint32_t line = 0;
  if (lines_.size() <= capacity_) {
    line = static_cast<std::uint32_t>(lines_.size());
    lines_.emplace_back();
  } else {
    line = lines_[0].newer;
    evict(line);
  }
  std::uint32_t& bucket = buckets_[bucket_of(number)];
  lines_[line] =
      Line{.number = number, .newer = 0, .older = 0, .next_in_bucket = bucket, .valid = 0, .dirty = 0};
  bucket = line;
  make_newest(line);
  return line;
}

void L2Model::touch(std::uint64_t sector, bool store) {
  const std::uint64_t number = sector / 4;
  const auto bit = static_cast<std::uint8_t>(1U << (sector % 4));
  std::uint32_t line = find(number);
  if (line == 0) {
    line = insert(number);
  } else if (line != lines_[0].older) {
    unlink(line);
    make_newest(line);
  }
  if (store) {
    lines_[line].dirty |= bit;
  } else if ((lines_[line].valid & bit) == 0) {
    ++fetched_;
  }
  lines_[line].valid |= bit;
}

void L2Model::flush() {
  for (std::size_t i = 1; i < lines_.size(); ++i) {
    written_back_ += static_cast<unsigned>(std::popcount(lines_[i].dirty));
  }
  lines_.assign(1, Line{});
  std::fill(buckets_.begin(), buckets_.end(), 0);
}

}  // namespace rung::simt::profiling
