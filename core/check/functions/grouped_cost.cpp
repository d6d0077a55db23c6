#include <algorithm>
#include <functional>
#include <string>

#include "core/check/functions/grouped.h"
#include "core/oracle/cache_cost.h"

namespace rung::check {
namespace {

using Input = GroupedCostInput;
using Type = Input::Type;

/// What people get wrong.
struct Habits {
  bool query_heads = false, keys_alone = false, scales_forgotten = false, lanes_without_scales = false,
       one_scale_a_position = false, half_of_scales = false, int_used = false, int_between = false,
       always_fp16 = false, window_ignored = false, ring_of_window = false, ring_longer_than_text = false,
       ring_one_too_long = false, one_lane = false;
};

std::int64_t slots(const Input& input, const Habits& habits) {
  if (input.window == 0 || habits.window_ignored) return input.positions;
  std::int64_t ring = input.window + input.batch - 1;
  if (habits.ring_of_window) ring = input.window;
  if (habits.ring_one_too_long) ++ring;
  return habits.ring_longer_than_text ? ring : std::min(input.positions, ring);
}

std::int64_t count(const Input& input, const Habits& habits) {
  const std::int64_t heads = habits.query_heads ? input.heads : input.kv_heads;
  const std::int64_t number = input.type == Type::f32 && !habits.always_fp16 ? 4
                              : input.type == Type::int8                     ? 1
                                                                             : 2;
  std::int64_t position = oracle::kv_bytes(input.layers, heads, input.head_dim, number, 1);
  const bool lanes = input.sequences > 0;
  if (input.type == Type::int8 && !habits.scales_forgotten && !(lanes && habits.lanes_without_scales)) {
    position += oracle::kv_bytes(input.layers, habits.one_scale_a_position ? 1 : heads, 1,
                                 habits.half_of_scales ? 2 : 4, 1);
  }
  if (habits.keys_alone) position /= 2;
  if (!lanes) return position;
  if (habits.int_between) return slots(input, habits) * static_cast<std::int32_t>(position * input.sequences);
  const std::int64_t all = position * slots(input, habits) * (habits.one_lane ? 1 : input.sequences);
  return habits.int_used ? static_cast<std::int32_t>(all) : all;
}

FunctionMistake<Input, std::int64_t> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence),
          [habits](const Input& input) { return count(input, habits); }};
}

}  // namespace

FunctionCheck<Input, std::int64_t> grouped_cost_check() {
  FunctionCheck<Input, std::int64_t> check;
  check.name = "grouped_cost";
  check.chapter = 7;
  check.what =
      "bytes of keys and values with shared heads, a window and short numbers: of a position, of all lanes";
  check.cases = {
      {"multi-head", "a position: 2 layers, H = G = 3, D 4, f32", {Type::f32, 2, 3, 3, 4}},
      {"grouped", "a position: 2 layers, H 6, G 2, D 4, f32", {Type::f32, 2, 6, 2, 4}},
      {"multi-query", "a position: 3 layers, H 5, G 1, D 4, f16", {Type::f16, 3, 5, 1, 4}},
      {"int8", "a position: 3 layers, H 6, G 3, D 8, int8 with fp32 scales", {Type::int8, 3, 6, 3, 8}},
      {"int8-multi-query",
       "a position: 2 layers, H 4, G 1, D 8, int8 with fp32 scales",
       {Type::int8, 2, 4, 1, 8}},
      {"llama-2-7b", "a position: 32 layers, H = G = 32, D 128, f16", {Type::f16, 32, 32, 32, 128}},
      {"llama-2-13b", "a position: 40 layers, H = G = 40, D 128, f16", {Type::f16, 40, 40, 40, 128}},
      {"mistral-7b", "a position: 32 layers, H 32, G 8, D 128, f16", {Type::f16, 32, 32, 8, 128, 4096}},
      {"lanes",
       "3 lanes of 20 positions, no window: 2 layers, H 6, G 2, D 4, f32",
       {Type::f32, 2, 6, 2, 4, 0, 3, 20, 20}},
      {"ring",
       "2 lanes for texts of 100, window 8, batches of 5: 2 layers, H 6, G 2, D 4, f16",
       {Type::f16, 2, 6, 2, 4, 8, 2, 100, 5}},
      {"short-text",
       "1 lane for texts of 10, window 8, batches of 5: the text is shorter than the ring; 2 layers, H 6, G "
       "2, D 4, f32",
       {Type::f32, 2, 6, 2, 4, 8, 1, 10, 5}},
      {"ring-as-long-as-text",
       "1 lane for texts of 12, window 8, batches of 5: the ring is as long as the text; 2 layers, H 6, G 2, "
       "D 4, f32",
       {Type::f32, 2, 6, 2, 4, 8, 1, 12, 5}},
      {"window-one",
       "1 lane for texts of 10, window 1, batches of 1: one slot; 2 layers, H 6, G 2, D 4, f32",
       {Type::f32, 2, 6, 2, 4, 1, 1, 10, 1}},
      {"int8-lanes",
       "3 lanes for texts of 100, window 8, batches of 5: 2 layers, H 6, G 3, D 6, int8 with fp32 scales",
       {Type::int8, 2, 6, 3, 6, 8, 3, 100, 5}},
      {"mistral-8192",
       "Mistral 7B, 1 lane for texts of 8192, window 4096, batches of 512: 32 layers, H 32, G 8, D 128, f16",
       {Type::f16, 32, 32, 8, 128, 4096, 1, 8192, 512}},
      {"llama-2-7b-lanes",
       "Llama 2 7B, 4 lanes of 4096: 32 layers, H = G = 32, D 128, f32: more bytes than an int can count",
       {Type::f32, 32, 32, 32, 128, 0, 4, 4096, 512}},
      // All bytes, and any two of lanes, slots and bytes of a position, are multiples of 2^32: in an int they are 0.
      {"more-than-int",
       "65536 lanes of 65536, with the position of Llama 2 7B, f16: no two of lanes, positions and bytes "
       "can be multiplied in an int",
       {Type::f16, 32, 32, 32, 128, 0, 65536, 65536, 512}},
  };
  check.oracle = [](const Input& input) { return count(input, {}); };
  check.mistakes = {
      mistake("query_heads_counted", "all H query heads counted; G key/value heads are stored",
              {.query_heads = true}),
      mistake("one_side_counted", "keys counted and values not; a position has both in every layer",
              {.keys_alone = true}),
      mistake("scales_not_counted",
              "the scales of int8 left out; each head of a position has one, of 4 bytes",
              {.scales_forgotten = true}),
      mistake(
          "lanes_without_scales",
          "the scales of int8 counted in a position and left out of the lanes; a lane has as many bytes as "
          "its positions",
          {.lanes_without_scales = true}),
      mistake(
          "half_of_scales",
          "half of the scales' bytes counted; each head has a scale of 4 bytes for its key and one for its "
          "value",
          {.half_of_scales = true}),
      mistake("one_scale_a_position", "one scale counted for a position; each of its G heads has one",
              {.one_scale_a_position = true}),
      mistake("fp16_always", "two bytes for a number also in fp32; there it has four", {.always_fp16 = true}),
      mistake("window_not_counted",
              "room for all positions; with a window, a ring of W + T_max - 1 is enough",
              {.window_ignored = true}),
      mistake("room_for_window_alone",
              "room for W positions; the rows of a batch see W + T_max - 1 all together",
              {.ring_of_window = true}),
      mistake("room_for_one_more",
              "room for W + T_max positions; the first row of the batch is in both: one less",
              {.ring_one_too_long = true}),
      mistake("ring_longer_than_text", "a ring longer than the longest text; never more than max_positions",
              {.ring_longer_than_text = true}),
      mistake("counted_in_int",
              "bytes counted in an int, which holds less than 2 GiB; every product needs std::int64_t",
              {.int_used = true}),
      mistake("product_in_int",
              "a product on the way counted in an int, which holds less than 2 GiB; every product needs "
              "std::int64_t",
              {.int_between = true}),
      mistake("one_lane_counted", "one lane counted; each sequence has its own", {.one_lane = true}),
  };
  check.show = [](const std::int64_t& bytes) { return std::to_string(bytes); };
  return check;
}

}  // namespace rung::check
