#include <cstddef>

#include "core/check/functions/kv_cache.h"
#include "core/check/functions/show.h"
#include "core/oracle/kv_rows.h"

namespace rung::check {
namespace {

using Step = KvStoreStep;
using Kind = KvStoreStep::Kind;
using Numbers = std::vector<double>;

/// What a wrong store does differently. The defaults are right.
struct Habits {
  bool first_slot_ignored = false, past_ignored = false, layer_ignored = false, first_visible_ignored = false;
  bool new_rows_unread = false, keys_for_values = false, copies_one_layer = false, copies_back = false;
  std::int32_t written_late = 0;                    // slots
  bool keys_by_row = false, values_by_row = false;  // first_row counts as slots, too
  bool copies_keys = false;                         // alone
  std::int32_t copied_more = 0;                     // slots
  bool clears_next = false;                         // the slot behind those that are written
};

Numbers negated(Numbers numbers) {
  for (double& number : numbers) number = -number;
  return numbers;
}

Numbers run(const KvStoreInput& input, const Habits& habits) {
  oracle::KvRows store(input.width);
  Numbers found;
  for (std::size_t n = 0; n < input.steps.size(); ++n) {
    const Step& step = input.steps[n];
    const int layer = habits.layer_ignored ? 0 : step.layer;
    const std::int32_t lane = habits.first_slot_ignored ? 0 : step.first_slot;
    switch (step.kind) {
      case Kind::write: {
        const Numbers keys = kv_store_numbers(input, n);
        const Numbers values = habits.keys_for_values ? keys : negated(keys);
        const std::int32_t slot = lane + (habits.past_ignored ? 0 : step.past) + habits.written_late;
        const std::int32_t key_slot = slot + (habits.keys_by_row ? step.first_row : 0);
        const std::int32_t value_slot = slot + (habits.values_by_row ? step.first_row : 0);
        if (key_slot == value_slot) {
          store.write(layer, key_slot, keys, values);
        } else {  // each with what is there of the other
          store.write(layer, key_slot, keys, store.values(layer, key_slot, step.rows));
          store.write(layer, value_slot, store.keys(layer, value_slot, step.rows), values);
        }
        if (habits.clears_next) {
          const Numbers zeros(static_cast<std::size_t>(input.width));
          store.write(layer, slot + step.rows, zeros, zeros);
        }
        break;
      }
      case Kind::read: {
        const std::int32_t first = habits.first_visible_ignored ? 0 : step.first_visible;
        const std::int32_t rows = step.past + (habits.new_rows_unread ? 0 : step.rows) - first;
        for (const Numbers& part :
             {store.keys(layer, lane + first, rows), store.values(layer, lane + first, rows)}) {
          found.insert(found.end(), part.begin(), part.end());
        }
        break;
      }
      case Kind::copy:
        if (habits.copies_keys) {
          for (int each = 0; each < static_cast<int>(input.layers); ++each) {
            store.write(each, step.to_slot, store.keys(each, step.first_slot, step.rows),
                        store.values(each, step.to_slot, step.rows));
          }
          break;
        }
        store.copy(habits.copies_one_layer ? 1 : static_cast<int>(input.layers),
                   habits.copies_back ? step.to_slot : step.first_slot,
                   habits.copies_back ? step.first_slot : step.to_slot, step.rows + habits.copied_more);
    }
  }
  return found;
}

FunctionMistake<KvStoreInput, Numbers> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence),
          [habits](const KvStoreInput& input) { return run(input, habits); }};
}

Step write(int layer, std::int32_t first_slot, std::int32_t past, std::int32_t rows) {
  return {.kind = Kind::write, .layer = layer, .first_slot = first_slot, .past = past, .rows = rows};
}
/// Reads as a batch does that has just written `rows` rows.
Step read(int layer, std::int32_t first_slot, std::int32_t past, std::int32_t rows,
          std::int32_t first_visible = 0) {
  return {.kind = Kind::read,
          .layer = layer,
          .first_slot = first_slot,
          .past = past,
          .rows = rows,
          .first_visible = first_visible};
}
Step second_in_the_batch(Step step) {
  step.first_row = 2;
  return step;
}
Step copy(std::int32_t from, std::int32_t to, std::int32_t rows) {
  return {.kind = Kind::copy, .first_slot = from, .rows = rows, .to_slot = to};
}

}  // namespace

Numbers kv_store_numbers(const KvStoreInput& input, std::size_t n) {
  Numbers numbers;
  for (std::int32_t row = 0; row < input.steps[n].rows; ++row) {
    for (std::int64_t column = 0; column < input.width; ++column) {
      numbers.push_back(100 * static_cast<double>(n + 1) + 10 * row + static_cast<double>(column));
    }
  }
  return numbers;
}

FunctionCheck<KvStoreInput, Numbers> kv_store_check() {
  FunctionCheck<KvStoreInput, Numbers> check;
  check.name = "kv_store";
  check.chapter = 6;
  check.what = "keys and values written to slots, read by sequence, copied";
  check.cases = {
      {"one",
       "key 100 and value -100 written to slot 1, then both read",
       {1, 5, 1, {write(0, 1, 0, 1), read(0, 1, 0, 1)}}},
      {"prefill",
       "positions 0 to 2 written at once, then all three keys and values read",
       {1, 8, 1, {write(0, 1, 0, 3), read(0, 1, 0, 3)}}},
      {"decode",
       "two positions written, then one more, then all three read",
       {1, 8, 1, {write(0, 1, 0, 2), write(0, 1, 2, 1), read(0, 1, 2, 1)}}},
      {"lanes",
       "a sequence from slot 1 on and one from slot 4 on, each then read",
       {1, 10, 1, {write(0, 1, 0, 2), write(0, 4, 0, 2), read(0, 1, 0, 2), read(0, 4, 0, 2)}}},
      {"next-to-each-other",
       "a sequence in slots 3 and 4, then one in slots 1 and 2; each then read",
       {1, 8, 1, {write(0, 3, 0, 2), write(0, 1, 0, 2), read(0, 1, 0, 2), read(0, 3, 0, 2)}}},
      {"layers",
       "the same position written in two layers, then read in both",
       {2, 6, 1, {write(0, 1, 0, 1), write(1, 1, 0, 1), read(0, 1, 0, 1), read(1, 1, 0, 1)}}},
      {"first-visible",
       "three positions written, then two more, and read from position 1 on",
       {1, 10, 1, {write(0, 1, 0, 3), write(0, 1, 3, 2), read(0, 1, 3, 2, 1)}}},
      {"second-in-the-batch",
       "two positions written and read whose rows are the batch's third and fourth: slots begin at "
       "first_slot",
       {1, 10, 1, {second_in_the_batch(write(0, 1, 0, 2)), second_in_the_batch(read(0, 1, 0, 2))}}},
      {"wide", "two positions of three numbers each", {1, 7, 3, {write(0, 1, 0, 2), read(0, 1, 0, 2)}}},
      {"copy",
       "two positions in two layers copied from slot 1 to slot 4, the copy read, then one position added to "
       "the copy and the original read",
       {2,
        11,
        1,
        {write(0, 1, 0, 2), write(1, 1, 0, 2), copy(1, 4, 2), read(0, 4, 0, 2), read(1, 4, 0, 2),
         write(1, 4, 2, 1), read(1, 1, 0, 2), read(1, 4, 2, 1)}}},
      {"copy-and-no-more",
       "a sequence in slots 1 to 3 and one in slot 6; slots 1 and 2 copied to 4 and 5, and slot 6 read",
       {1, 10, 1, {write(0, 1, 0, 3), write(0, 6, 0, 1), copy(1, 4, 2), read(0, 4, 0, 2), read(0, 6, 0, 1)}}},
  };
  check.oracle = [](const KvStoreInput& input) { return run(input, {}); };
  check.mistakes = {
      mistake("written_one_late", "rows written one slot too late; position p of a sequence is in slot(p)",
              {.written_late = 1}),
      mistake("batch_row_as_slot",
              "rows written as many slots too late as the batch has rows before them; first_row is a place "
              "in the "
              "batch, slot(past) the place in the store",
              {.keys_by_row = true, .values_by_row = true}),
      mistake(
          "values_at_batch_row",
          "values written as many slots too late as the batch has rows before them; they belong where their "
          "keys are, at slot(past)",
          {.values_by_row = true}),
      mistake(
          "keys_at_batch_row",
          "keys written as many slots too late as the batch has rows before them; they belong where their "
          "values are, at slot(past)",
          {.keys_by_row = true}),
      mistake("written_at_the_start",
              "every batch written from the sequence's first slot on, over what was there; new rows begin at "
              "slot(past)",
              {.past_ignored = true}),
      mistake("lane_ignored",
              "positions taken as slots; a sequence's slots begin at first_slot, so use slot(position)",
              {.first_slot_ignored = true}),
      mistake("layers_share", "all layers in the same memory; each layer has its own keys and values",
              {.layer_ignored = true}),
      mistake("keys_for_values", "the keys stored, or read, as values too; the two are different rows",
              {.keys_for_values = true}),
      mistake("new_rows_not_read",
              "only the past read; the rows that the batch has just written are visible too: up to length()",
              {.new_rows_unread = true}),
      mistake("first_visible_ignored", "read from position 0; the oldest that may be seen is first_visible",
              {.first_visible_ignored = true}),
      mistake("copies_one_layer", "one layer copied; a fork needs the keys and values of all of them",
              {.copies_one_layer = true}),
      mistake("copies_keys_alone", "keys copied and values not; a fork needs both", {.copies_keys = true}),
      mistake("copies_one_more",
              "a slot more copied than asked for, over a neighbour's; count slots are copied",
              {.copied_more = 1}),
      mistake("next_slot_cleared",
              "a write that clears the slot behind its rows, where a neighbour's may be; only `rows` slots "
              "are written",
              {.clears_next = true}),
      mistake("copied_backwards", "copied from to_slot to from_slot, over the original",
              {.copies_back = true}),
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
