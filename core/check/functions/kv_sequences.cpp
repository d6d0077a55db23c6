#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/error_kind.h"
#include "core/check/functions/kv_cache.h"
#include "core/check/functions/sequence_steps.h"
#include "core/check/functions/show.h"
#include "core/error.h"
#include "core/oracle/remembered.h"

namespace rung::check {
namespace {

using namespace sequence_steps;

using Step = SequencesStep;
using Part = SequencesStep::Part;
using Batch = std::vector<Part>;
using Kind = SequencesStep::Kind;
using Lines = std::vector<std::string>;

Error refusal(const char* what) {
  return Error(ErrorKind::usage, "{}", what);
}

/// The oracle: lists of numbers.
class Lists : public SequencesMachine {
 public:
  explicit Lists(const SequencesInput& input)
      : lists_(static_cast<std::size_t>(input.sequences), static_cast<std::size_t>(input.positions)) {}

  bool reserve(const Batch& batch) override {
    batch_ = batch;
    more_.clear();
    for (const Part& part : batch) {
      if (part.first != length(part.sequence)) throw refusal("does not go on where the sequence ended");
      more_[part.sequence] = std::vector<double>(static_cast<std::size_t>(part.rows));
    }
    return lists_.with(more_).has_value();
  }
  std::vector<double> remembered(std::size_t part) const override {
    return lists_.list(batch_[part].sequence);
  }
  void write(std::size_t part, const std::vector<double>& numbers) override {
    more_[batch_[part].sequence] = numbers;
  }
  void commit() override { lists_.replace(*lists_.with(more_)); }
  void abort() override {}
  int length(int sequence) const override { return static_cast<int>(lists_.list(sequence).size()); }
  void fork(int from, int to) override {
    if (!lists_.knows(from)) throw refusal("unknown");
    if (!lists_.fork(from, to)) throw Error(ErrorKind::full, "no room");
  }
  void truncate(int sequence, int new_length) override {
    if (new_length < 0 || new_length > length(sequence)) throw refusal("not that long");
    lists_.truncate(sequence, static_cast<std::size_t>(new_length));
  }
  void drop(int sequence) override { lists_.drop(sequence); }

 private:
  oracle::Remembered lists_;
  Batch batch_;
  oracle::Remembered::Lists more_;
};

/// What people forget when they give each sequence a lane of slots.
enum class Slip {
  aborted_stay_known,
  abort_drops_all,
  abort_drops_the_first,
  cut_to_nothing_is_new,
  counted_at_reserve,
  full_takes_a_part,
  lanes_without_end,
  fork_shares_the_lane,
  fork_takes_another_lane,
  fork_onto_itself_empties,
  fork_without_bytes,
  fork_full_unseen,
  dropped_lane_lost,
  truncate_unchecked,
  truncate_makes_longer,
  truncate_below_nothing,
  truncate_to_nothing_drops,
  truncate_makes_known,
  continues_anywhere,
};

/// Lanes of slots, with one slip.
class Lanes : public SequencesMachine {
 public:
  Lanes(const SequencesInput& input, Slip slip)
      : slip_(slip),
        positions_(input.positions),
        slots_(static_cast<std::size_t>((input.sequences + 1) * input.positions)) {  // one lane to spare
    for (int lane = input.sequences - 1; lane >= 0; --lane) free_.push_back(lane * positions_);
  }

  bool reserve(const Batch& batch) override {
    batch_ = batch;
    new_.clear();
    for (const Part& part : batch) {
      if (slip_ != Slip::continues_anywhere && part.first != length(part.sequence)) {
        throw refusal("does not go on where the sequence ended");
      }
    }
    std::size_t unknown = 0;
    for (const Part& part : batch) {
      if (slip_ != Slip::lanes_without_end && part.first + part.rows > positions_) return false;
      if (lanes_.contains(part.sequence)) continue;
      if (slip_ == Slip::full_takes_a_part) {
        if (free_.empty()) return false;
        take(part.sequence);
        new_.push_back(part.sequence);
      }
      ++unknown;
    }
    if (slip_ != Slip::full_takes_a_part && unknown > free_.size()) return false;
    for (const Part& part : batch) {
      if (!lanes_.contains(part.sequence)) {
        take(part.sequence);
        new_.push_back(part.sequence);
      } else if (slip_ == Slip::cut_to_nothing_is_new && part.first == 0) {
        new_.push_back(part.sequence);
      }
      if (slip_ == Slip::counted_at_reserve) lanes_[part.sequence].length = part.first + part.rows;
    }
    return true;
  }
  std::vector<double> remembered(std::size_t part) const override {
    const auto from = slots_.begin() + lanes_.at(batch_[part].sequence).first_slot;
    return {from, from + batch_[part].first};
  }
  void write(std::size_t part, const std::vector<double>& numbers) override {
    std::ranges::copy(numbers,
                      slots_.begin() + lanes_.at(batch_[part].sequence).first_slot + batch_[part].first);
  }
  void commit() override {
    for (const Part& part : batch_) lanes_[part.sequence].length = part.first + part.rows;
  }
  void abort() override {
    if (slip_ == Slip::aborted_stay_known) return;
    while (slip_ == Slip::abort_drops_the_first && new_.size() > 1) new_.pop_back();
    for (const Part& part : batch_) {
      if (slip_ == Slip::abort_drops_all || std::ranges::count(new_, part.sequence) > 0) drop(part.sequence);
    }
  }
  int length(int sequence) const override {
    const auto found = lanes_.find(sequence);
    return found == lanes_.end() ? 0 : found->second.length;
  }
  void fork(int from, int to) override {
    if (!lanes_.contains(from)) throw refusal("unknown");
    if (slip_ == Slip::fork_shares_the_lane) {
      if (!lanes_.contains(to) && free_.empty()) throw Error(ErrorKind::full, "no room");
      lanes_[to] = lanes_[from];
      return;
    }
    if (slip_ == Slip::fork_onto_itself_empties && from == to) {  // and begins anew
      drop(from);
      return take(from);
    }
    if (!lanes_.contains(to) || (slip_ == Slip::fork_takes_another_lane && from != to)) {
      if (free_.empty())
        throw slip_ == Slip::fork_full_unseen ? refusal("no room") : Error(ErrorKind::full, "no room");
      take(to);
    }
    const Lane& source = lanes_[from];
    Lane& target = lanes_[to];
    target.length = source.length;
    if (slip_ == Slip::fork_without_bytes) return;
    for (int i = 0; i < source.length; ++i) slots_[index(target, i)] = slots_[index(source, i)];
  }
  void truncate(int sequence, int new_length) override {
    const bool checks_less = slip_ != Slip::truncate_below_nothing && slip_ != Slip::truncate_unchecked;
    const bool checks_more = slip_ != Slip::truncate_makes_longer && slip_ != Slip::truncate_unchecked;
    if ((checks_less && new_length < 0) || (checks_more && new_length > length(sequence))) {
      throw refusal("not that long");
    }
    if (slip_ == Slip::truncate_to_nothing_drops && new_length == 0) return drop(sequence);
    if (lanes_.contains(sequence) || slip_ == Slip::truncate_makes_known)
      lanes_[sequence].length = new_length;
  }
  void drop(int sequence) override {
    const auto found = lanes_.find(sequence);
    if (found == lanes_.end()) return;
    if (slip_ != Slip::dropped_lane_lost) free_.push_back(found->second.first_slot);
    lanes_.erase(found);
  }

 private:
  struct Lane {
    int first_slot = 0, length = 0;
  };
  static std::size_t index(const Lane& lane, int position) {
    return static_cast<std::size_t>(lane.first_slot) + static_cast<std::size_t>(position);
  }
  void take(int sequence) {
    lanes_[sequence] = {.first_slot = free_.back(), .length = 0};
    free_.pop_back();
  }

  Slip slip_;
  int positions_;
  std::vector<double> slots_;
  std::map<int, Lane> lanes_;
  std::vector<int> free_;  // first slots
  Batch batch_;
  std::vector<int> new_;
};

std::string run_batch(const Step& step, SequencesMachine& machine, double& next) {
  if (!machine.reserve(step.batch)) return "full";
  Lines parts;
  for (std::size_t i = 0; i < step.batch.size(); ++i) {
    const Part& part = step.batch[i];
    parts.push_back(fmt::format("{} had {}", part.sequence, show_numbers(machine.remembered(i))));
    if (const int length = machine.length(part.sequence); length != part.first) {
      parts.back() += fmt::format(" (length {} before commit)", length);
    }
    std::vector<double> numbers(static_cast<std::size_t>(part.rows));
    for (double& number : numbers) number = next++;
    machine.write(i, numbers);
  }
  step.kind == Kind::commit ? machine.commit() : machine.abort();
  for (std::size_t i = 0; i < step.batch.size(); ++i) {
    parts[i] += fmt::format(", now {}", machine.length(step.batch[i].sequence));
  }
  return fmt::format("{}", fmt::join(parts, " and "));
}

std::string run_step(const Step& step, SequencesMachine& machine, double& next) {
  if (step.kind == Kind::commit || step.kind == Kind::abort) return run_batch(step, machine, next);
  return run_change(step, machine);
}

FunctionMistake<SequencesInput, Lines> mistake(std::string name, std::string sentence, Slip slip) {
  return {std::move(name), std::move(sentence), [slip](const SequencesInput& input) {
            Lanes lanes(input, slip);
            return run_script(input, lanes);
          }};
}

}  // namespace

Lines run_script(const SequencesInput& input, SequencesMachine& machine) {
  Lines lines;
  double next = 1;  // the numbers that batches write
  for (const Step& step : input.steps) {
    try {
      lines.push_back(run_step(step, machine, next));
    } catch (const Error& error) {
      // What is not written yet says so itself.
      if (std::string_view(error.what()).find("not written yet") != std::string_view::npos) throw;
      lines.push_back(fmt::format("Error ({})", kind_name(error.kind())));
    }
  }
  return lines;
}

FunctionCheck<SequencesInput, Lines> kv_sequences_check() {
  FunctionCheck<SequencesInput, Lines> check;
  check.name = "kv_sequences";
  check.chapter = 6;
  check.what = "which slots belong to which sequence: reserve, commit, abort, fork, truncate, drop";
  check.cases = {
      {"one-batch", "room for 2 sequences of 4. 2 rows of sequence 1", {2, 4, {commit({{1, 0, 2}})}}},
      {"decode",
       "2 rows of sequence 1, then one more, then another",
       {2, 4, {commit({{1, 0, 2}}), commit({{1, 2, 1}}), commit({{1, 3, 1}})}}},
      {"ragged",
       "2 rows of sequence 1; then 1 more and 3 of sequence 2 in one batch; then 1 of sequence 2 and 1 of "
       "sequence 1",
       {2, 4, {commit({{1, 0, 2}}), commit({{1, 2, 1}, {2, 0, 3}}), commit({{2, 3, 1}, {1, 3, 1}})}}},
      {"hole",
       "2 rows of sequence 1; then 1 at position 3, 1 at position 1, 1 at position 2",
       {2, 4, {commit({{1, 0, 2}}), commit({{1, 3, 1}}), commit({{1, 1, 1}}), commit({{1, 2, 1}})}}},
      {"lane-full",
       "4 rows of sequence 1 fill its lane; 1 more; 1 of sequence 2",
       {2, 4, {commit({{1, 0, 4}}), commit({{1, 4, 1}}), commit({{2, 0, 1}})}}},
      {"lanes-full",
       "room for 2 sequences: 1 row of 1; 1 of each 2 and 3 in one batch; 1 of 3; 1 of 2",
       {2,
        4,
        {commit({{1, 0, 1}}), commit({{2, 0, 1}, {3, 0, 1}}), commit({{3, 0, 1}}), commit({{2, 0, 1}})}}},
      {"abort",
       "2 rows of sequence 1; a batch of 1 more and 2 of sequence 2 is aborted; fork of 2 to 3; 1 row of 1; "
       "1 of 3",
       {2,
        4,
        {commit({{1, 0, 2}}), abort({{1, 2, 1}, {2, 0, 2}}), fork(2, 3), commit({{1, 2, 1}}),
         commit({{3, 0, 1}})}}},
      {"abort-two",
       "a batch of 1 row of each 1 and 2, both new, is aborted; 1 row of each 3 and 4",
       {2, 4, {abort({{1, 0, 1}, {2, 0, 1}}), commit({{3, 0, 1}, {4, 0, 1}})}}},
      {"drop",
       "2 rows of 1 and 1 of 2; 1 is dropped; 1 row of 3; 1 more of 2; an unknown sequence is dropped",
       {2, 4, {commit({{1, 0, 2}, {2, 0, 1}}), drop(1), commit({{3, 0, 1}}), commit({{2, 1, 1}}), drop(7)}}},
      {"truncate",
       "3 rows of sequence 1; cut to 1; 2 other rows; 1 more; cut to 5",
       {2,
        4,
        {commit({{1, 0, 3}}), truncate(1, 1), commit({{1, 1, 2}}), commit({{1, 3, 1}}), truncate(1, 5)}}},
      {"cut-to-nothing",
       "2 rows of sequence 1; cut to nothing; forked to 2; 1 row of 1",
       {2, 4, {commit({{1, 0, 2}}), truncate(1, 0), fork(1, 2), commit({{1, 0, 1}})}}},
      {"cut-to-nothing-and-aborted",
       "2 rows of sequence 1; cut to nothing; a batch of 1 row of it is aborted; forked to 2",
       {2, 4, {commit({{1, 0, 2}}), truncate(1, 0), abort({{1, 0, 1}}), fork(1, 2)}}},
      {"cut-below-nothing",
       "2 rows of sequence 1; cut to -1; 1 row more",
       {2, 4, {commit({{1, 0, 2}}), truncate(1, -1), commit({{1, 2, 1}})}}},
      {"fork",
       "2 rows of sequence 1; forked to 2; 1 row of each; 1 more of each",
       {2,
        4,
        {commit({{1, 0, 2}}), fork(1, 2), commit({{1, 2, 1}, {2, 2, 1}}), commit({{2, 3, 1}, {1, 3, 1}})}}},
      {"fork-of-many",
       "room for 2 sequences of 12. 9 rows of sequence 1; forked to 2; 1 row of each",
       {2, 12, {commit({{1, 0, 9}}), fork(1, 2), commit({{1, 9, 1}, {2, 9, 1}})}}},
      {"unknown",
       "1 row of each 1 and 2; 7, which is unknown, is cut to nothing, forked to 2 and to itself; 1 more of "
       "2",
       {2, 4, {commit({{1, 0, 1}, {2, 0, 1}}), truncate(7, 0), fork(7, 2), fork(7, 7), commit({{2, 1, 1}})}}},
      {"full-and-hole",
       "a batch of 5 rows of 1, more than its lane holds, and 1 of 2 at position 1, where it has none: wrong "
       "usage",
       {2, 4, {commit({{1, 0, 5}, {2, 1, 1}}), commit({{1, 0, 1}})}}},
      {"fork-onto-with-room",
       "room for 3 sequences: 1 row of 1 and 2 of 2; 1 forked onto 2; 1 row of 3, for which there is a lane; "
       "1 row of 2",
       {3, 4, {commit({{1, 0, 1}, {2, 0, 2}}), fork(1, 2), commit({{3, 0, 1}}), commit({{2, 1, 1}})}}},
      {"fork-onto",
       "1 row of 1 and 2 of 2; 1 forked onto 2; 1 row of 2; 2 forked onto itself; fork to 3, for which there "
       "is no room",
       {2, 4, {commit({{1, 0, 1}, {2, 0, 2}}), fork(1, 2), commit({{2, 1, 1}}), fork(2, 2), fork(1, 3)}}},
  };
  check.oracle = [](const SequencesInput& input) {
    Lists lists(input);
    return run_script(input, lists);
  };
  check.mistakes = {
      mistake("continues_anywhere",
              "a batch that leaves a hole or begins before the end is taken; its first position must be the "
              "sequence's length",
              Slip::continues_anywhere),
      mistake("lanes_without_end",
              "a sequence grows out of its lane into its neighbour's; more than max_positions is full",
              Slip::lanes_without_end),
      mistake("counted_at_reserve",
              "reserved positions count before they are committed, and an aborted batch is never taken back",
              Slip::counted_at_reserve),
      mistake(
          "full_takes_a_part",
          "a batch that did not fit has left a sequence behind; see whether all of it fits, then take lanes",
          Slip::full_takes_a_part),
      mistake("aborted_stay_known",
              "a sequence that came into being with an aborted batch is kept, and its lane with it; drop it",
              Slip::aborted_stay_known),
      mistake("abort_drops_all", "abort forgets sequences that were known before; only new ones must go",
              Slip::abort_drops_all),
      mistake("abort_drops_the_first",
              "only the first of an aborted batch's new sequences is forgotten; all of them must go",
              Slip::abort_drops_the_first),
      mistake("cut_to_nothing_is_new",
              "a sequence that was cut to 0 positions counts as new, so that abort forgets it; new means "
              "that it had "
              "no lane",
              Slip::cut_to_nothing_is_new),
      mistake("dropped_lane_lost", "a dropped sequence's lane is not given back, so that soon nothing fits",
              Slip::dropped_lane_lost),
      mistake("truncate_unchecked",
              "any length taken for a cut, more than there is and less than 0; check_truncation refuses both",
              Slip::truncate_unchecked),
      mistake("truncate_below_nothing", "a sequence cut to less than 0 positions; that is a usage error",
              Slip::truncate_below_nothing),
      mistake("truncate_makes_longer", "a sequence cut to more than it has; that is a usage error",
              Slip::truncate_makes_longer),
      mistake("truncate_to_nothing_drops",
              "a sequence that is cut to 0 positions is forgotten; it stays known",
              Slip::truncate_to_nothing_drops),
      mistake("fork_shares_the_lane",
              "the fork writes where its original writes; it needs a lane of its own and a copy of the slots",
              Slip::fork_shares_the_lane),
      mistake(
          "fork_takes_another_lane",
          "a fork onto a sequence that exists took another lane, and the one that it had is lost; keep that",
          Slip::fork_takes_another_lane),
      mistake("fork_onto_itself_empties",
              "a sequence forked onto itself has lost its positions; that changes nothing",
              Slip::fork_onto_itself_empties),
      mistake("truncate_makes_known",
              "an unknown sequence is known once it was cut to 0 positions, without a lane; look whether it "
              "is there",
              Slip::truncate_makes_known),
      mistake("fork_without_bytes",
              "the fork gets the length and not the keys and values; copy the slots too",
              Slip::fork_without_bytes),
      mistake("fork_full_unseen", "no lane left for a fork is reported as wrong usage; it is Error (full)",
              Slip::fork_full_unseen),
  };
  check.show = [](const Lines& lines) { return fmt::format("\"{}\"", fmt::join(lines, "; ")); };
  return check;
}

}  // namespace rung::check
