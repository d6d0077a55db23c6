#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/grouped.h"
#include "core/check/functions/sequence_steps.h"
#include "core/check/functions/show.h"
#include "core/error.h"

namespace rung::check {
namespace {

using namespace sequence_steps;

using Step = SequencesStep;
using Part = SequencesStep::Part;
using Batch = std::vector<Part>;
using Kind = SequencesStep::Kind;
using Lines = std::vector<std::string>;
using Numbers = std::vector<double>;

Error refusal(const char* what) {
  return Error(ErrorKind::usage, "{}", what);
}

/// The longest a ring must be, or the longest text if that is less.
int right_slots(const RingInput& input) {
  if (input.window == 0) return input.script.positions;
  return std::min(input.script.positions, input.window + input.max_batch - 1);
}

/// The oracle: the whole list of each sequence, and how far the ring of a right cache would have got.
class WholeLists : public SequencesMachine {
 public:
  explicit WholeLists(const RingInput& input) : input_(input), slots_(right_slots(input)) {}

  bool reserve(const Batch& batch) override {
    batch_ = batch;
    std::size_t unknown = 0;
    for (const Part& part : batch) {
      if (part.first != length(part.sequence)) throw refusal("does not go on where the sequence ended");
    }
    for (const Part& part : batch) {
      if (part.first + part.rows > input_.script.positions) return false;
      unknown += lists_.contains(part.sequence) ? 0 : 1;
    }
    if (lists_.size() + unknown > static_cast<std::size_t>(input_.script.sequences)) return false;
    for (const Part& part : batch) {
      if (slots_ < input_.script.positions && part.rows > input_.max_batch) throw refusal("too long a batch");
    }
    before_ = lists_;
    for (const Part& part : batch) {
      List& list = lists_[part.sequence];
      list.overwritten = std::max(list.overwritten, part.first + part.rows - slots_);
      // Written or not when the batch is aborted: what it took is gone.
      if (before_.contains(part.sequence)) before_[part.sequence].overwritten = list.overwritten;
    }
    return true;
  }
  void write(std::size_t part, const Numbers& numbers) override {
    Numbers& list = lists_[batch_[part].sequence].numbers;
    list.insert(list.end(), numbers.begin(), numbers.end());
  }
  Numbers remembered(std::size_t part) const override {
    const Numbers& list = lists_.at(batch_[part].sequence).numbers;
    const int first = input_.window == 0 ? 0 : std::max(0, batch_[part].first - input_.window + 1);
    return {list.begin() + first, list.end()};
  }
  void commit() override {}
  void abort() override { lists_ = before_; }
  int length(int sequence) const override {
    const auto found = lists_.find(sequence);
    return found == lists_.end() ? 0 : static_cast<int>(found->second.numbers.size());
  }
  void fork(int from, int to) override {
    if (!lists_.contains(from)) throw refusal("unknown");
    if (!lists_.contains(to) && lists_.size() >= static_cast<std::size_t>(input_.script.sequences))
      throw Error(ErrorKind::full, "no room");
    lists_[to] = lists_[from];
  }
  void truncate(int sequence, int new_length) override {
    if (new_length < 0 || new_length > length(sequence)) throw refusal("not that long");
    if (!lists_.contains(sequence)) return;
    List& list = lists_[sequence];
    if (new_length > 0 && new_length < length(sequence) && list.overwritten > 0 &&
        new_length - input_.window < list.overwritten) {
      throw refusal("overwritten");
    }
    list.numbers.resize(static_cast<std::size_t>(new_length));
    if (new_length == 0) list.overwritten = 0;
  }
  void drop(int sequence) override { lists_.erase(sequence); }

 private:
  struct List {
    Numbers numbers;
    int overwritten = 0;  // so many of the first are gone
  };
  RingInput input_;
  int slots_;
  std::map<int, List> lists_, before_;
  Batch batch_;
};

enum class Slip {
  ring_of_window,
  one_too_small,
  slot_not_wrapped,
  read_past_the_end,
  seen_one_late,
  long_batch_taken,
  deep_cut_taken,
  cut_while_in_ring,
  cut_never,
  abort_forgotten,
  fork_up_to_length,
  first_lap_after_fork,
};

/// Lanes that are rings, with one slip.
class Rings : public SequencesMachine {
 public:
  Rings(const RingInput& input, Slip slip) : input_(input), slip_(slip), ring_(right_slots(input)) {
    const bool round = input.window > 0 && ring_ < input.script.positions;
    if (round && slip == Slip::ring_of_window) ring_ = input.window;
    if (round && slip == Slip::one_too_small) --ring_;
    // Room for what runs out of its lane.
    slots_.resize(static_cast<std::size_t>(input.script.sequences) * static_cast<std::size_t>(ring_) +
                  2 * static_cast<std::size_t>(input.script.positions));
    for (int lane = input.script.sequences - 1; lane >= 0; --lane) free_.push_back(lane * ring_);
  }

  bool reserve(const Batch& batch) override {
    batch_ = batch;
    new_.clear();
    std::size_t unknown = 0;
    for (const Part& part : batch) {
      if (part.first != length(part.sequence)) throw refusal("does not go on where the sequence ended");
    }
    for (const Part& part : batch) {
      if (part.first + part.rows > input_.script.positions) return false;
      unknown += lanes_.contains(part.sequence) ? 0 : 1;
    }
    if (unknown > free_.size()) return false;
    for (const Part& part : batch) {
      if (slip_ != Slip::long_batch_taken && right_slots(input_) < input_.script.positions &&
          part.rows > input_.max_batch) {
        throw refusal("too long a batch");
      }
    }
    for (const Part& part : batch) {
      if (!lanes_.contains(part.sequence)) {
        take(part.sequence);
        new_.push_back(part.sequence);
      }
      if (slip_ != Slip::abort_forgotten) overwrite(part);
    }
    return true;
  }
  void write(std::size_t part, const Numbers& numbers) override {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      slots_[slot(batch_[part].sequence, batch_[part].first + static_cast<int>(i))] = numbers[i];
  }
  Numbers remembered(std::size_t part) const override {
    const Part& p = batch_[part];
    int first = input_.window == 0 ? 0 : std::max(0, p.first - input_.window + 1);
    if (slip_ == Slip::seen_one_late && first > 0) ++first;
    Numbers numbers;
    for (int position = first; position < p.first + p.rows; ++position) {
      numbers.push_back(slip_ == Slip::read_past_the_end
                            ? slots_[slot(p.sequence, first) + static_cast<std::size_t>(position - first)]
                            : slots_[slot(p.sequence, position)]);
    }
    return numbers;
  }
  void commit() override {
    for (const Part& part : batch_) {
      lanes_[part.sequence].length = part.first + part.rows;
      overwrite(part);
    }
  }
  void abort() override {
    for (const int sequence : new_) drop(sequence);
  }
  int length(int sequence) const override {
    const auto found = lanes_.find(sequence);
    return found == lanes_.end() ? 0 : found->second.length;
  }
  void fork(int from, int to) override {
    if (!lanes_.contains(from)) throw refusal("unknown");
    if (from == to) return;
    if (!lanes_.contains(to)) {
      if (free_.empty()) throw Error(ErrorKind::full, "no room");
      take(to);
    }
    const Lane& source = lanes_[from];
    Lane& target = lanes_[to];
    const int count = slip_ == Slip::fork_up_to_length ? source.length % ring_ : ring_;
    for (int i = 0; i < count; ++i) {
      slots_[static_cast<std::size_t>(target.first_slot) + static_cast<std::size_t>(i)] =
          slots_[static_cast<std::size_t>(source.first_slot) + static_cast<std::size_t>(i)];
    }
    target.length = source.length;
    target.overwritten = slip_ == Slip::first_lap_after_fork ? 0 : source.overwritten;
  }
  void truncate(int sequence, int new_length) override {
    if (new_length < 0 || new_length > length(sequence)) throw refusal("not that long");
    if (!lanes_.contains(sequence)) return;
    Lane& lane = lanes_[sequence];
    const bool cut = new_length > 0 && new_length < lane.length && lane.overwritten > 0;
    const int least = slip_ == Slip::cut_while_in_ring ? lane.overwritten
                      : slip_ == Slip::cut_never       ? lane.length
                                                       : lane.overwritten + input_.window;
    if (cut && slip_ != Slip::deep_cut_taken && new_length < least) throw refusal("overwritten");
    lane.length = new_length;
    if (new_length == 0) lane.overwritten = 0;
  }
  void drop(int sequence) override {
    const auto found = lanes_.find(sequence);
    if (found == lanes_.end()) return;
    free_.push_back(found->second.first_slot);
    lanes_.erase(found);
  }

 private:
  struct Lane {
    int first_slot = 0, length = 0, overwritten = 0;
  };
  void overwrite(const Part& part) {
    Lane& lane = lanes_[part.sequence];
    lane.overwritten = std::max(lane.overwritten, part.first + part.rows - ring_);
  }
  std::size_t slot(int sequence, int position) const {
    const int in_lane = slip_ == Slip::slot_not_wrapped ? position : position % ring_;
    return static_cast<std::size_t>(lanes_.at(sequence).first_slot) + static_cast<std::size_t>(in_lane);
  }
  void take(int sequence) {
    lanes_[sequence] = {.first_slot = free_.back(), .length = 0, .overwritten = 0};
    free_.pop_back();
  }

  RingInput input_;
  Slip slip_;
  int ring_;
  Numbers slots_;
  std::map<int, Lane> lanes_;
  std::vector<int> free_;  // first slots
  Batch batch_;
  std::vector<int> new_;
};

std::string run_ring_batch(const Step& step, SequencesMachine& machine, double& next) {
  if (!machine.reserve(step.batch)) return "full";
  for (std::size_t i = 0; i < step.batch.size(); ++i) {
    Numbers numbers(static_cast<std::size_t>(step.batch[i].rows));
    for (double& number : numbers) number = next++;
    machine.write(i, numbers);
  }
  Lines parts;
  parts.reserve(step.batch.size());
  for (std::size_t i = 0; i < step.batch.size(); ++i)
    parts.push_back(fmt::format("{} sees {}", step.batch[i].sequence, show_numbers(machine.remembered(i))));
  step.kind == Kind::commit ? machine.commit() : machine.abort();
  for (std::size_t i = 0; i < step.batch.size(); ++i)
    parts[i] += fmt::format(", now {}", machine.length(step.batch[i].sequence));
  return fmt::format("{}", fmt::join(parts, " and "));
}

std::string run_ring_step(const Step& step, SequencesMachine& machine, double& next) {
  if (step.kind == Kind::commit || step.kind == Kind::abort) return run_ring_batch(step, machine, next);
  return run_change(step, machine);
}

/// "3 rows of sequence 1 from position 5"
std::string step_in_words(const Step& step) {
  if (step.kind == Kind::fork) return fmt::format("sequence {} forked to {}", step.sequence, step.other);
  if (step.kind == Kind::truncate) return fmt::format("sequence {} cut to {}", step.sequence, step.other);
  if (step.kind == Kind::drop) return fmt::format("sequence {} dropped", step.sequence);
  Lines parts;
  parts.reserve(step.batch.size());
  for (const Part& part : step.batch) {
    parts.push_back(fmt::format("{} row{} of sequence {} from position {}", part.rows,
                                part.rows == 1 ? "" : "s", part.sequence, part.first));
  }
  return fmt::format("{}{}", fmt::join(parts, " and "), step.kind == Kind::abort ? ", aborted" : "");
}

/// The first step that showed something else.
std::string difference(const RingInput& input, const Lines& found, const Lines& expected) {
  const auto [wrong, right] = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
  const auto step = static_cast<std::size_t>(right - expected.begin());
  return fmt::format("step {} of {}, {}: expected \"{}\", found \"{}\"", step + 1, expected.size(),
                     step_in_words(input.script.steps[step]), *right, *wrong);
}

/// `count` batches of `rows` rows of sequence 1, from position `first` on, and then `more`.
std::vector<Step> batches(int first, int rows, int count, const std::vector<Step>& more = {}) {
  std::vector<Step> steps;
  steps.reserve(static_cast<std::size_t>(count) + more.size());
  for (int i = 0; i < count; ++i) steps.push_back(commit({{1, first + i * rows, rows}}));
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

FunctionMistake<RingInput, Lines> mistake(std::string name, std::string sentence, Slip slip) {
  return {std::move(name), std::move(sentence), [slip](const RingInput& input) {
            Rings rings(input, slip);
            return run_ring_script(input, rings);
          }};
}

}  // namespace

Lines run_ring_script(const RingInput& input, SequencesMachine& machine) {
  Lines lines;
  double next = 1;  // the numbers that batches write
  for (const Step& step : input.script.steps) {
    try {
      lines.push_back(run_ring_step(step, machine, next));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::full) throw;
      lines.emplace_back(error.kind() == ErrorKind::full ? "Error (full)" : "Error (usage)");
    }
  }
  return lines;
}

FunctionCheck<RingInput, Lines> ring_sequences_check() {
  FunctionCheck<RingInput, Lines> check;
  check.name = "ring_sequences";
  check.chapter = 7;
  check.what =
      "which slots of a ring belong to which position: what batches see, and how far a sequence can be cut";
  // Window 4, batches of 3: a ring of 6.
  const auto ring = [](std::vector<Step> steps, int sequences = 2, int positions = 40) {
    return RingInput{.script = {.sequences = sequences, .positions = positions, .steps = std::move(steps)},
                     .window = 4,
                     .max_batch = 3};
  };
  check.cases = {
      {"flat",
       "no window, room for 6 positions: 2 rows of sequence 1 three times, cut to 1, 2 more",
       {.script = {.sequences = 2,
                   .positions = 6,
                   .steps = batches(0, 2, 3, {truncate(1, 1), commit({{1, 1, 2}})})},
        .window = 0,
        .max_batch = 6}},
      {"decode", "window 4, batches of 3 at most: 14 rows of sequence 1, one at a time",
       ring(batches(0, 1, 14))},
      {"longest-batches", "window 4, batches of 3 at most: 3 rows of sequence 1, six times",
       ring(batches(0, 3, 6))},
      {"window-minus-one", "window 4: 3 rows of sequence 1 (the window less one), then 1, then 1, then 3",
       ring(batches(0, 3, 1, {commit({{1, 3, 1}}), commit({{1, 4, 1}}), commit({{1, 5, 3}})}))},
      {"straddling", "window 4, a ring of 6: 2 rows, then 3 that go round, then 2, 3, 1, 3",
       ring({commit({{1, 0, 2}}), commit({{1, 2, 3}}), commit({{1, 5, 2}}), commit({{1, 7, 3}}),
             commit({{1, 10, 1}}), commit({{1, 11, 3}})})},
      {"two", "two sequences in the same batches, round their rings twice",
       ring({commit({{1, 0, 3}, {2, 0, 1}}), commit({{1, 3, 3}, {2, 1, 3}}), commit({{2, 4, 3}, {1, 6, 2}}),
             commit({{1, 8, 3}, {2, 7, 3}}), commit({{2, 10, 1}, {1, 11, 1}})})},
      {"window-one",
       "window 1, batches of 2 at most: a ring of 2: 2 rows, 1, 2, 2, cut by 1, 1 row",
       {.script = {.sequences = 1,
                   .positions = 20,
                   .steps = {commit({{1, 0, 2}}), commit({{1, 2, 1}}), commit({{1, 3, 2}}),
                             commit({{1, 5, 2}}), truncate(1, 6), commit({{1, 6, 1}})}},
        .window = 1,
        .max_batch = 2}},
      {"too-long", "batches of 3 at most: 4 rows of sequence 1; then 3; then 4",
       ring({commit({{1, 0, 4}}), commit({{1, 0, 3}}), commit({{1, 3, 4}})})},
      {"short-room",
       "window 4, batches of 3, but room for 5 positions: all are kept; 5 rows at once, cut to 1, 2 more",
       ring({commit({{1, 0, 5}}), truncate(1, 1), commit({{1, 1, 2}})}, 2, 5)},
      {"cut",
       "12 rows of sequence 1 in batches of 3, cut by 2 (as deep as may be), then 3 other rows, then 3",
       ring(batches(0, 3, 4, {truncate(1, 10), commit({{1, 10, 3}}), commit({{1, 13, 3}})}))},
      {"cut-deep",
       "12 rows of sequence 1, cut by 3: the window there has been overwritten; 1 row more, then cut by 1",
       ring(batches(0, 3, 4, {truncate(1, 9), commit({{1, 12, 1}}), truncate(1, 12), commit({{1, 12, 3}})}))},
      {"cut-deeper", "12 rows of sequence 1, cut to 7, then to 2; 1 row more",
       ring(batches(0, 3, 4, {truncate(1, 7), truncate(1, 2), commit({{1, 12, 1}})}))},
      {"cut-early", "6 rows of sequence 1, which fill the ring: cut to 2, then 3 other rows, then 3",
       ring(batches(0, 3, 2, {truncate(1, 2), commit({{1, 2, 3}}), commit({{1, 5, 3}})}))},
      {"cut-to-nothing", "12 rows of sequence 1, cut to 0; 3 rows anew, cut to 1, 2 rows",
       ring(batches(0, 3, 4, {truncate(1, 0), commit({{1, 0, 3}}), truncate(1, 1), commit({{1, 1, 2}})}))},
      {"aborted",
       "12 rows of sequence 1; a batch of 3 more is aborted; cut by 1: that row's place is taken; 1 row",
       ring(batches(0, 3, 4, {abort({{1, 12, 3}}), truncate(1, 11), commit({{1, 12, 1}})}))},
      {"fork", "8 rows of sequence 1, forked to 2; 3 rows of each; cut 2 by 2, then 3 rows of 2",
       ring({commit({{1, 0, 3}}), commit({{1, 3, 3}}), commit({{1, 6, 2}}), fork(1, 2),
             commit({{1, 8, 3}, {2, 8, 3}}), truncate(2, 9), commit({{2, 9, 3}})})},
      {"fork-cut", "8 rows of sequence 1, forked to 2, which is cut to 3: overwritten; 1 row of 2",
       ring({commit({{1, 0, 3}}), commit({{1, 3, 3}}), commit({{1, 6, 2}}), fork(1, 2), truncate(2, 3),
             commit({{2, 8, 1}})})},
  };
  check.oracle = [](const RingInput& input) {
    WholeLists lists(input);
    return run_ring_script(input, lists);
  };
  check.mistakes = {
      mistake("ring_of_window",
              "the ring has W slots: the last rows of a batch overwrite what its first rows see; it takes W "
              "+ T_max - 1",
              Slip::ring_of_window),
      mistake("ring_one_too_small",
              "the ring has W + T_max - 2 slots: the last row of the longest batch overwrites the oldest "
              "that its first "
              "row sees; it takes W + T_max - 1",
              Slip::one_too_small),
      mistake("slot_not_wrapped",
              "position p is written to slot p of its lane, beyond the ring's end, where another sequence's "
              "lane is; it "
              "is in slot p % ring",
              Slip::slot_not_wrapped),
      mistake("read_past_the_end",
              "what is seen is read on past the ring's last slot; after the last slot comes the first",
              Slip::read_past_the_end),
      mistake("seen_one_late",
              "the oldest position that is read is past - W + 2; the first row of a batch sees from past - W "
              "+ 1 on",
              Slip::seen_one_late),
      mistake("long_batch_taken",
              "a batch of more than T_max rows is taken, and overwrites itself; it must be refused",
              Slip::long_batch_taken),
      mistake(
          "deep_cut_taken",
          "a sequence is cut to where the ring holds other positions already, and sees their keys; refuse it",
          Slip::deep_cut_taken),
      mistake("cut_while_in_ring",
              "a sequence is cut to any position that the ring still holds; the W - 1 before it must be "
              "there too",
              Slip::cut_while_in_ring),
      mistake("cut_never",
              "no cut is taken once the ring has gone round; it holds T_max - 1 positions more than the "
              "window sees",
              Slip::cut_never),
      mistake(
          "aborted_not_counted",
          "an aborted batch is taken to have changed nothing; its rows may have been written over older ones",
          Slip::abort_forgotten),
      mistake("fork_of_one_round",
              "a fork copies length % ring slots; once the ring has gone round, all slots are in use",
              Slip::fork_up_to_length),
      mistake(
          "fork_forgets_overwritten",
          "a fork is taken to hold all its positions; what its original has overwritten is not there either",
          Slip::first_lap_after_fork),
  };
  check.show = [](const Lines& lines) { return fmt::format("\"{}\"", fmt::join(lines, "; ")); };
  check.difference_in = difference;
  return check;
}

}  // namespace rung::check
