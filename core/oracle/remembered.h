#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace rung::oracle {

/// What Sequences promise, without slots and plans: a list of numbers for each sequence, copied whole wherever
/// something could go wrong. A cache that does the same with less copying is right.
class Remembered {
 public:
  /// A list for each sequence.
  using Lists = std::map<int, std::vector<double>>;

  /// @param sequences  how many can be remembered at a time
  /// @param positions  how many numbers each of them can have
  Remembered(std::size_t sequences, std::size_t positions) : sequences_(sequences), positions_(positions) {}

  /// The lists with `more` behind them, or nothing when that is too many sequences or positions.
  std::optional<Lists> with(const Lists& more) const;
  /// Makes these the lists.
  void replace(Lists lists) { lists_ = std::move(lists); }

  /// Whether the sequence has been seen and not dropped.
  bool knows(int sequence) const { return lists_.contains(sequence); }
  const std::vector<double>& list(int sequence) const;  ///< empty for an unknown one
  bool fork(int from, int to);                          ///< false: no room; `from` is known
  /// Forgets what stands behind the first `length` numbers.
  void truncate(int sequence, std::size_t length);
  /// Forgets the sequence.
  void drop(int sequence) { lists_.erase(sequence); }

 private:
  std::size_t sequences_, positions_;
  Lists lists_;
};

}  // namespace rung::oracle
