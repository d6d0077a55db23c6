#include "core/oracle/remembered.h"

namespace rung::oracle {

std::optional<Remembered::Lists> Remembered::with(const Lists& more) const {
  Lists lists = lists_;
  for (const auto& [sequence, numbers] : more) {
    for (const double number : numbers) lists[sequence].push_back(number);
  }
  if (lists.size() > sequences_) return std::nullopt;
  for (const auto& [sequence, numbers] : lists) {
    if (numbers.size() > positions_) return std::nullopt;
  }
  return lists;
}

const std::vector<double>& Remembered::list(int sequence) const {
  static const std::vector<double> none;
  const auto found = lists_.find(sequence);
  return found == lists_.end() ? none : found->second;
}

bool Remembered::fork(int from, int to) {
  if (!knows(to) && lists_.size() == sequences_) return false;
  lists_[to] = list(from);
  return true;
}

void Remembered::truncate(int sequence, std::size_t length) {
  if (knows(sequence)) lists_[sequence].resize(length);
}

}  // namespace rung::oracle
