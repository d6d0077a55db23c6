#include "core/oracle/cache_cost.h"

#include <algorithm>
#include <string>

#include "core/check/functions/kv_cache.h"

namespace rung::check {
namespace {

using Asked = CacheCostInput::Rule;

/// What the rule says of the bytes of one position.
std::int64_t answer(const CacheCostInput& input, std::int64_t of_one) {
  switch (input.rule) {
    case Asked::position:
      return of_one;
    case Asked::cache:
      return input.sequences * input.count * of_one;
    case Asked::step:
      return (input.count + 1) * of_one;
    case Asked::positions:
      return input.count / of_one;
  }
  return 0;
}

std::int64_t of_one(const CacheCostInput& input) {
  return oracle::kv_bytes(input.layers, input.heads, input.head_dim, input.number_bytes, 1);
}

std::int64_t count(const CacheCostInput& input) {
  if (input.rule == Asked::positions) {
    std::int64_t fit = 0;
    for (std::int64_t left = input.count - of_one(input); left >= 0; left -= of_one(input)) ++fit;
    return fit;
  }
  const std::int64_t positions = input.rule == Asked::position ? 1
                                 : input.rule == Asked::step   ? input.count + 1
                                                               : input.count;
  const std::int64_t sequences = input.rule == Asked::cache ? input.sequences : 1;
  return oracle::kv_bytes(input.layers, input.heads, input.head_dim, input.number_bytes,
                          sequences * positions);
}

}  // namespace

FunctionCheck<CacheCostInput, std::int64_t> cache_cost_check() {
  FunctionCheck<CacheCostInput, std::int64_t> check;
  check.name = "cache_cost";
  check.chapter = 6;
  check.what =
      "bytes of a cache of keys and values: of a position, of all lanes, of a decode step, and what fits";
  check.cases = {
      {"smallest", "position_bytes of 1 layer, 1 head, D 1, 1 byte a number", {Asked::position, 1, 1, 1, 1}},
      {"numbers", "position_bytes of 1 layer, 1 head, D 4, 4 bytes a number", {Asked::position, 1, 1, 4, 4}},
      {"heads", "position_bytes of 1 layer, 3 heads, D 4, 2 bytes a number", {Asked::position, 1, 3, 4, 2}},
      {"smollm2",
       "position_bytes of 30 layers, 9 heads, D 64, 4 bytes a number",
       {Asked::position, 30, 9, 64, 4}},
      {"llama-2-7b",
       "position_bytes of 32 layers, 32 heads, D 128, 2 bytes a number",
       {Asked::position, 32, 32, 128, 2}},
      {"lanes",
       "cache_bytes of 3 sequences of 10 positions: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::cache, 2, 3, 4, 4, 10, 3}},
      {"first-step",
       "step_bytes with nothing remembered: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::step, 2, 3, 4, 4, 0}},
      {"step",
       "step_bytes after 10 positions: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::step, 2, 3, 4, 4, 10}},
      {"fits",
       "positions_in of 1000 bytes: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::positions, 2, 3, 4, 4, 1000}},
      {"nearly-six",
       "positions_in of 1151 bytes: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::positions, 2, 3, 4, 4, 1151}},
      {"not-one",
       "positions_in of 191 bytes: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::positions, 2, 3, 4, 4, 191}},
      {"exactly",
       "positions_in of 384 bytes: 2 layers, 3 heads, D 4, 4 bytes a number",
       {Asked::positions, 2, 3, 4, 4, 384}},
      {"too-large",
       "cache_bytes of 64 sequences of 4096 positions: 32 layers, 32 heads, D 128, 2 bytes a number: more "
       "than 32 bits hold",
       {Asked::cache, 32, 32, 128, 2, 4096, 64}},
      {"large-step",
       "step_bytes after 4096 positions: 32 layers, 32 heads, D 128, 2 bytes a number: more than 32 bits "
       "hold",
       {Asked::step, 32, 32, 128, 2, 4096}},
      {"many-fit",
       "positions_in of 19199999 bytes: 2 layers, 3 heads, D 4, 4 bytes a number: a byte too few for 100000",
       {Asked::positions, 2, 3, 4, 4, 19199999}},
  };
  check.oracle = count;
  check.mistakes = {
      {"keys_alone", "keys counted and values not; a position has one of each in every layer, hence the 2",
       [](const CacheCostInput& input) { return answer(input, of_one(input) / 2); }},
      {"one_layer", "one layer counted; every layer has keys and values of its own",
       [](const CacheCostInput& input) { return answer(input, of_one(input) / input.layers); }},
      {"one_head", "one head counted; a stored row has the D numbers of every stored head",
       [](const CacheCostInput& input) { return answer(input, of_one(input) / input.heads); }},
      {"numbers_not_bytes", "numbers counted, not bytes; multiply by the bytes of a number",
       [](const CacheCostInput& input) { return answer(input, of_one(input) / input.number_bytes); }},
      {"always_fp16", "two bytes for every number, whatever type is stored; the shape says how many",
       [](const CacheCostInput& input) { return answer(input, 2 * of_one(input) / input.number_bytes); }},
      {"new_position_forgotten",
       "a decode step reads the past and also writes its own position: past + 1 positions are moved",
       [](const CacheCostInput& input) {
         return answer(input, of_one(input)) - (input.rule == Asked::step ? of_one(input) : 0);
       }},
      {"new_position_in_the_cache",
       "a position more than there is room for; only a decode step moves past + 1",
       [](const CacheCostInput& input) {
         return answer(input, of_one(input)) +
                (input.rule == Asked::cache ? input.sequences * of_one(input) : 0);
       }},
      {"parts_counted",
       "a part of a position counted as one; it has no room for a key and a value of every head and layer",
       [](const CacheCostInput& input) {
         return input.rule == Asked::positions ? (input.count + of_one(input) - 1) / of_one(input)
                                               : answer(input, of_one(input));
       }},
      {"rounded_to_nearest",
       "a part of a position counted as one where it is more than half of it; only whole positions have room",
       [](const CacheCostInput& input) {
         return input.rule == Asked::positions ? (input.count + of_one(input) / 2) / of_one(input)
                                               : answer(input, of_one(input));
       }},
      {"never_none", "one position where there is not room for one; then it is 0",
       [](const CacheCostInput& input) {
         return input.rule == Asked::positions ? std::max<std::int64_t>(1, input.count / of_one(input))
                                               : answer(input, of_one(input));
       }},
      {"divided_in_float",
       "bytes divided in fp32, which has 24 bits and rounds a large number of bytes; divide whole numbers",
       [](const CacheCostInput& input) {
         return input.rule == Asked::positions ? static_cast<std::int64_t>(static_cast<float>(input.count) /
                                                                           static_cast<float>(of_one(input)))
                                               : answer(input, of_one(input));
       }},
      {"one_sequence", "room for one sequence; every lane is asked for, filled or not",
       [](const CacheCostInput& input) {
         return answer(input, of_one(input)) / (input.rule == Asked::cache ? input.sequences : 1);
       }},
      {"step_in_32_bits",
       "the bytes of a step counted in int32, which overflows; count in 64 bits from the first factor on",
       [](const CacheCostInput& input) {
         const std::int64_t right = answer(input, of_one(input));
         return input.rule == Asked::step ? std::int64_t{static_cast<std::int32_t>(right)} : right;
       }},
      {"32_bits", "the product of int32 numbers overflows; count in 64 bits from the first factor on",
       [](const CacheCostInput& input) {
         return static_cast<std::int64_t>(static_cast<std::int32_t>(answer(input, of_one(input))));
       }},
  };
  check.show = [](const std::int64_t& bytes) { return std::to_string(bytes); };
  return check;
}

}  // namespace rung::check
