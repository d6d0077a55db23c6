#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/grouped.h"

namespace rung::check {
namespace {

using Input = RingRuleInput;
using Rule = Input::Rule;
using Numbers = std::vector<std::int64_t>;

/// What people get wrong. The defaults are right.
struct Habits {
  std::int64_t longer_lane = 0;  // than W + T_max - 1
  bool lane_of_window = false, lane_longer_than_text = false, lane_always_full = false;
  std::int64_t seen_late = 0, kept_late = 0, cut_late = 0;
  bool seen_before_0 = false, kept_before_0 = false;
  bool cut_while_kept = false, cut_as_if_full = false;
  bool one_run = false, from_lane_start = false, slots_of_lane = false, length_as_count = false,
       empty_run_at_end = false, full_as_one_run = false;
};

Numbers runs(const Input& input, const Habits& habits) {
  Numbers found;
  int first = habits.from_lane_start ? 0 : input.first;
  while (first < input.last) {
    int left = input.last - first;
    // Behind a whole round comes the slot in which it began, as if it had not gone round.
    const bool one_run = habits.one_run || (habits.full_as_one_run && input.slots > 0 &&
                                            input.last % input.slots == first % input.slots);
    if (input.slots > 0 && !one_run) {
      const int place = habits.slots_of_lane ? (input.first_slot + first) % input.slots : first % input.slots;
      left = input.slots - place;
    }
    const int count = std::min(left, input.last - first);
    found.insert(found.end(), {first, habits.length_as_count ? first + count : count});
    first += count;
  }
  if (habits.empty_run_at_end && input.slots > 0 && input.last % input.slots == 0)
    found.insert(found.end(), {input.last, 0});
  return found;
}

Numbers run(const Input& input, const Habits& habits) {
  switch (input.rule) {
    case Rule::lane: {
      if (input.window == 0) return {input.positions};
      std::int64_t slots =
          habits.lane_of_window ? input.window : input.window + input.batch - 1 + habits.longer_lane;
      if (habits.lane_always_full) slots = input.positions;
      return {habits.lane_longer_than_text ? slots : std::min(input.positions, slots)};
    }
    case Rule::seen: {
      if (input.window == 0) return {0};
      const std::int64_t oldest = input.first - input.window + 1 + habits.seen_late;
      // In the 32 bits of what is returned, which a window of 2^32 leaves.
      return {habits.seen_before_0 ? static_cast<std::int32_t>(oldest) : std::max<std::int64_t>(0, oldest)};
    }
    case Rule::kept: {
      const std::int64_t oldest = input.last - input.slots + habits.kept_late;
      return {habits.kept_before_0 ? oldest : std::max<std::int64_t>(0, oldest)};
    }
    case Rule::cut:
      if (input.window == 0 || (input.first == 0 && !habits.cut_as_if_full)) return {1};
      return {habits.cut_while_kept ? input.first + 1 : input.first + input.window + habits.cut_late};
    case Rule::runs:
      return runs(input, habits);
  }
  return {};
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

Input lane(std::int64_t window, std::int64_t positions, std::int64_t batch) {
  return {.rule = Rule::lane, .window = window, .positions = positions, .batch = batch};
}
Input seen(std::int64_t window, int position) {
  return {.rule = Rule::seen, .window = window, .first = position};
}
Input kept(int slots, int length) {
  return {.rule = Rule::kept, .slots = slots, .last = length};
}
Input cut(std::int64_t window, int oldest) {
  return {.rule = Rule::cut, .window = window, .first = oldest};
}
Input runs_of(int slots, int first, int last, int first_slot = 0) {
  return {.rule = Rule::runs, .slots = slots, .first = first, .last = last, .first_slot = first_slot};
}

std::vector<FunctionCase<Input>> cases() {
  return {
      {"lane-flat", "lane_slots: no window, texts of 40, batches of 3", lane(0, 40, 3)},
      {"lane", "lane_slots: window 4, texts of 40, batches of 3", lane(4, 40, 3)},
      {"lane-decode", "lane_slots: window 4, texts of 40, batches of 1", lane(4, 40, 1)},
      {"lane-one", "lane_slots: window 1, texts of 40, batches of 1", lane(1, 40, 1)},
      {"lane-long-batch", "lane_slots: window 4, texts of 40, batches of 30", lane(4, 40, 30)},
      {"lane-just-fits", "lane_slots: window 4, texts of 6, batches of 3", lane(4, 6, 3)},
      {"lane-short-text", "lane_slots: window 4, texts of 5, batches of 3", lane(4, 5, 3)},
      {"lane-shorter-than-window", "lane_slots: window 4096, texts of 100, batches of 100",
       lane(4096, 100, 100)},
      {"lane-mistral", "lane_slots: window 4096, texts of 32768, batches of 512", lane(4096, 32768, 512)},
      {"seen-flat", "oldest_seen: no window, position 9", seen(0, 9)},
      {"seen-early", "oldest_seen: window 4, position 2 (the window less two)", seen(4, 2)},
      {"seen-first-full", "oldest_seen: window 4, position 3 (the window less one)", seen(4, 3)},
      {"seen-first-forgotten", "oldest_seen: window 4, position 4 (the window)", seen(4, 4)},
      {"seen-later", "oldest_seen: window 4, position 11", seen(4, 11)},
      {"seen-itself", "oldest_seen: window 1, position 7", seen(1, 7)},
      {"seen-long-window", "oldest_seen: window 4294967296 (2^32), position 9", seen(4294967296, 9)},
      {"kept-all", "oldest_kept: 6 slots, 4 positions written", kept(6, 4)},
      {"kept-full", "oldest_kept: 6 slots, 6 positions written", kept(6, 6)},
      {"kept-one-gone", "oldest_kept: 6 slots, 7 positions written", kept(6, 7)},
      {"kept-twice-round", "oldest_kept: 6 slots, 20 positions written", kept(6, 20)},
      {"cut-flat", "shortest_cut: no window, nothing overwritten", cut(0, 0)},
      {"cut-nothing-gone", "shortest_cut: window 4, nothing overwritten", cut(4, 0)},
      {"cut-one-gone", "shortest_cut: window 4, position 1 is the oldest kept", cut(4, 1)},
      {"cut-later", "shortest_cut: window 4, position 6 is the oldest kept", cut(4, 6)},
      {"cut-window-one", "shortest_cut: window 1, position 6 is the oldest kept", cut(1, 6)},
      {"runs-none", "slot_runs: a ring of 6, no positions: [5, 5)", runs_of(6, 5, 5)},
      {"runs-first-round", "slot_runs: a ring of 6, positions [1, 5)", runs_of(6, 1, 5)},
      {"runs-to-the-end", "slot_runs: a ring of 6, positions [3, 6), which end with the ring",
       runs_of(6, 3, 6)},
      {"runs-round", "slot_runs: a ring of 6, positions [3, 8)", runs_of(6, 3, 8)},
      {"runs-whole-round", "slot_runs: a ring of 6, positions [6, 12)", runs_of(6, 6, 12)},
      {"runs-whole-round-inside",
       "slot_runs: a ring of 6, positions [3, 9), a whole round that begins inside", runs_of(6, 3, 9)},
      {"runs-later", "slot_runs: a ring of 6, positions [16, 21)", runs_of(6, 16, 21)},
      {"runs-one-slot", "slot_runs: a ring of 1, positions [7, 8)", runs_of(1, 7, 8)},
      {"runs-second-lane", "slot_runs: a ring of 6 from slot 9 on, positions [9, 14)", runs_of(6, 9, 14, 9)},
      {"runs-flat", "slot_runs: a flat lane, positions [9, 1000)", runs_of(0, 9, 1000)},
  };
}

}  // namespace

FunctionCheck<Input, Numbers> ring_check() {
  FunctionCheck<Input, Numbers> check;
  check.name = "ring";
  check.chapter = 7;
  check.what =
      "a ring's arithmetic: how long it is, what is seen, kept, and may be cut, and in which runs of slots";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake(
          "lane_of_window",
          "the ring has W slots: the last rows of a batch overwrite what its first rows see; it takes W + "
          "T_max - 1",
          {.lane_of_window = true}),
      mistake("lane_one_too_small", "the ring has W + T_max - 2 slots; it takes W + T_max - 1",
              {.longer_lane = -1}),
      mistake("lane_one_too_long",
              "the ring has W + T_max slots; the first row of a batch is in its own window, so one less is "
              "enough",
              {.longer_lane = 1}),
      mistake("lane_longer_than_text", "a ring longer than the longest text; never more than max_positions",
              {.lane_longer_than_text = true}),
      mistake("window_not_used", "room for all positions in spite of the window; W + T_max - 1 are enough",
              {.lane_always_full = true}),
      mistake("sees_one_more",
              "a query sees W positions before its own; its own counts, so it sees W - 1 before it",
              {.seen_late = -1}),
      mistake("sees_one_less", "a query sees W - 2 positions before its own; it sees W - 1 before it",
              {.seen_late = 1}),
      mistake("sees_before_the_first", "a position before 0 is the oldest seen; there is none before 0",
              {.seen_before_0 = true}),
      mistake("kept_one_late",
              "one position too many taken for overwritten; with n written, n - slots is the oldest kept",
              {.kept_late = 1}),
      mistake("kept_before_the_first",
              "a position before 0 is the oldest kept; until the ring is full it is 0",
              {.kept_before_0 = true}),
      mistake(
          "cut_while_kept",
          "a sequence may be cut to any position that is kept; the last that stays needs the W - 1 before "
          "it, too",
          {.cut_while_kept = true}),
      mistake("cut_one_too_deep",
              "the last position that stays lacks the oldest of its window; it and the W - 1 before it must "
              "be kept",
              {.cut_late = -1}),
      mistake("cut_one_too_shallow",
              "a cut is refused after which the last position still has its window: oldest + W positions do",
              {.cut_late = 1}),
      mistake("cut_as_if_overwritten",
              "a sequence of which nothing has been overwritten may not be cut below W; it may be, to 1",
              {.cut_as_if_full = true}),
      mistake("runs_not_cut",
              "the positions are one run; where the ring ends, a run ends, and the next begins at its first "
              "slot",
              {.one_run = true}),
      mistake(
          "whole_round_as_one_run",
          "a whole round is taken for one run, for it ends in front of the slot where it begins; only one "
          "that begins in the ring's first slot is",
          {.full_as_one_run = true}),
      mistake("runs_from_the_first", "the runs begin at position 0; they begin at `first`",
              {.from_lane_start = true}),
      mistake("runs_of_the_store",
              "where the ring ends is counted from the store's first slot; it is the lane's: position % ring",
              {.slots_of_lane = true}),
      mistake("last_as_count", "a run's count is the position where it ends; it is how many there are",
              {.length_as_count = true}),
      mistake("empty_run_at_the_end",
              "behind positions that end with the ring comes a run of none; there is nothing to read",
              {.empty_run_at_end = true}),
  };
  check.show = [](const Numbers& numbers) { return fmt::format("[{}]", fmt::join(numbers, ", ")); };
  return check;
}

}  // namespace rung::check
