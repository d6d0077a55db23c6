#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check/functions/grouped.h"
#include "core/check/functions/show.h"
#include "core/check/random.h"
#include "core/oracle/half.h"

namespace rung::check {
namespace {

using Input = ShortKvInput;
using Type = GroupedCostInput::Type;
using Numbers = std::vector<double>;

/// What people get wrong.
enum class Slip {
  none,
  half_added,
  one_over_scale,
  lane_ignored,
  lane_ignored_when_read,
  read_from_the_start,
  past_alone_read,
  scale_of_first_head,
  scale_of_last_position,
  scale_per_position,
  scale_per_cache,
  scale_of_keys,
  toward_zero,
  divided_by_128,
  divided_by_128_and_cut,
  largest_not_absolute,
  unsigned_bytes,
  zero_divided,
};

/// The oracle, and with a slip what somebody else wrote. [positions, heads · head_dim]
Numbers through_int8(const Input& input, const Numbers& numbers, const Numbers& others, Slip slip) {
  const std::int64_t width = input.heads * input.head_dim;
  const std::int64_t positions = static_cast<std::int64_t>(numbers.size()) / width;
  // Whatever else is wrong: a head that is not finite has no scale, and reads as NaN.
  const auto finite = [&](const Numbers& from, std::int64_t first) {
    return std::all_of(from.begin() + first, from.begin() + first + input.head_dim,
                       [](double number) { return std::isfinite(number); });
  };
  const auto largest = [&](const Numbers& from, std::int64_t first, std::int64_t count) {
    if (count == input.head_dim && !finite(from, first)) return std::numeric_limits<double>::quiet_NaN();
    double most = slip == Slip::largest_not_absolute ? -std::numeric_limits<double>::infinity() : 0;
    for (std::int64_t i = first; i < first + count; ++i) {
      const double number = from[static_cast<std::size_t>(i)];
      most = std::max(most, slip == Slip::largest_not_absolute ? number : std::abs(number));
    }
    return std::abs(most);
  };
  const auto scale = [&](std::int64_t position, std::int64_t head) {
    const double most = slip == Slip::scale_per_position ? largest(numbers, position * width, width)
                        : slip == Slip::scale_per_cache
                            ? largest(numbers, 0, positions * width)
                            : largest(numbers, position * width + head * input.head_dim, input.head_dim);
    // Rounded to the fp32 that it is stored as.
    return static_cast<double>(
        static_cast<float>(most) /
        (slip == Slip::divided_by_128 || slip == Slip::divided_by_128_and_cut ? 128.0F : 127.0F));
  };
  Numbers found(numbers.size());
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t h = 0; h < input.heads; ++h) {
      const std::int64_t place = p * width + h * input.head_dim;
      const double own = scale(p, h);
      double other = own;  // with which it is read
      if (slip == Slip::scale_of_first_head) other = scale(p, 0);
      if (slip == Slip::scale_of_last_position) other = scale(positions - 1, h);
      if (slip == Slip::scale_of_keys && !others.empty()) {
        other = static_cast<double>(static_cast<float>(largest(others, place, input.head_dim)) / 127.0F);
      }
      if (!finite(numbers, place)) {  // bytes of 0, and a scale that is NaN: who does not read it, gets 0
        const bool others_scale = slip == Slip::scale_of_first_head || slip == Slip::scale_of_last_position ||
                                  (slip == Slip::scale_of_keys && !others.empty());
        const double read = others_scale ? 0 * other : std::numeric_limits<double>::quiet_NaN();
        std::fill_n(found.begin() + place, input.head_dim, read);
        continue;
      }
      for (std::int64_t d = 0; d < input.head_dim; ++d) {
        const auto i = static_cast<std::size_t>(place + d);
        if (own == 0 && slip != Slip::zero_divided) continue;
        // In fp32, as a candidate divides: cutting off would tell 126.9999999 from 127.
        auto ratio = static_cast<double>(static_cast<float>(numbers[i]) / static_cast<float>(own));
        // In fp32 the inverse of a tiny scale is infinite, and no whole number.
        if (slip == Slip::one_over_scale && std::isinf(1 / static_cast<float>(own))) ratio = 0;
        if (std::isnan(ratio)) {
          found[i] = ratio;
          continue;
        }
        if (slip == Slip::half_added) ratio = std::trunc(ratio + 0.5);
        auto whole =
            static_cast<std::int64_t>(slip == Slip::toward_zero ? std::trunc(ratio) : std::nearbyint(ratio));
        if (slip == Slip::divided_by_128_and_cut) whole = std::clamp<std::int64_t>(whole, -127, 127);
        if (slip == Slip::unsigned_bytes)
          whole = std::clamp<std::int64_t>(whole, 0, 255);
        else
          whole = static_cast<std::int8_t>(whole & 0xff);  // what a byte makes of it
        found[i] = static_cast<double>(whole) * other;
      }
    }
  }
  return found;
}

Numbers through_half(const Numbers& numbers, bool truncated) {
  Numbers found;
  for (const double number : numbers) {
    const double rounded = oracle::value_of(oracle::binary16, oracle::nearest(oracle::binary16, number));
    found.push_back(rounded);
    if (truncated && std::abs(rounded) > std::abs(number)) {
      const double step = std::ldexp(1.0, std::max(std::ilogb(number), -14) - 10);
      found.back() = std::trunc(number / step) * step;
    }
  }
  return found;
}

/// Writes rows to slots in two calls, and reads them.
Numbers through_slots(const Input& input, const Numbers& rows, Slip slip) {
  const std::int64_t width = input.heads * input.head_dim;
  const std::int64_t count = static_cast<std::int64_t>(rows.size()) / width;
  Numbers slots(static_cast<std::size_t>((short_kv_lane + count) * width), 0.0);
  const std::int64_t lane = slip == Slip::lane_ignored ? 0 : short_kv_lane;
  for (const auto& [from, to] : {std::pair{std::int64_t{0}, input.past}, std::pair{input.past, count}}) {
    const std::int64_t slot = slip == Slip::lane_ignored ? 0 : lane + from;  // else each call from slot 0 on
    std::copy(rows.begin() + from * width, rows.begin() + to * width, slots.begin() + slot * width);
  }
  std::int64_t first = short_kv_lane + (slip == Slip::read_from_the_start ? 0 : input.first_visible);
  std::int64_t last = short_kv_lane + (slip == Slip::past_alone_read ? input.past : count);
  if (slip == Slip::lane_ignored_when_read) {
    last -= first;
    first = 0;
  }
  return {slots.begin() + first * width, slots.begin() + std::max(first, last) * width};
}

Numbers run(const Input& input, Slip slip, bool truncated = false) {
  Numbers found, values;
  if (input.type == Type::int8) {
    found = through_int8(input, input.keys, {}, slip);
    values = through_int8(input, input.values, input.keys, slip);
  } else if (input.type == Type::f16) {
    found = through_half(input.keys, truncated);
    values = through_half(input.values, truncated);
  } else {
    found = input.keys;
    values = input.values;
  }
  const Slip places = input.type == Type::int8 ? slip : Slip::none;
  found = through_slots(input, found, places);
  values = through_slots(input, values, places);
  found.insert(found.end(), values.begin(), values.end());
  return found;
}

Numbers drawn(std::int64_t count, double scale, std::uint64_t seed) {
  Random random(seed);
  Numbers numbers;
  // fp32 numbers, as a model has them.
  for (std::int64_t i = 0; i < count; ++i)
    numbers.push_back(static_cast<double>(static_cast<float>(scale * random.normal())));
  return numbers;
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, Slip slip) {
  return {std::move(name), std::move(sentence), [slip](const Input& input) { return run(input, slip); }};
}

}  // namespace

FunctionCheck<Input, Numbers> short_kv_check() {
  FunctionCheck<Input, Numbers> check;
  check.name = "short_kv";
  check.chapter = 7;
  check.what =
      "keys and values stored as fp16, or as int8 with a scale for each head and position, and read again";
  Input heads{
      .type = Type::int8, .heads = 2, .head_dim = 4, .keys = drawn(8, 1, 1), .values = drawn(8, 3, 2)};
  for (std::size_t d = 4; d < 8; ++d) heads.keys[d] *= 50;  // heads of different size
  Input positions{
      .type = Type::int8, .heads = 2, .head_dim = 3, .keys = drawn(18, 1, 3), .values = drawn(18, 0.1, 4)};
  for (std::size_t i = 6; i < 12; ++i) positions.keys[i] *= 20;  // positions, too
  Input appended{.type = Type::int8,
                 .heads = 2,
                 .head_dim = 3,
                 .keys = drawn(24, 1, 5),
                 .values = drawn(24, 2, 6),
                 .past = 3,
                 .first_visible = 0};
  Input seen_late = appended;
  seen_late.first_visible = 2;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  // Its scale is 1e-40 / 127, whose inverse is more than fp32 can hold.
  const auto tiny = [](double number) { return static_cast<double>(static_cast<float>(number)); };
  check.cases = {
      {"one-head",
       "int8: one head of 4 at one position: 1, -2.1, 0.5, 4",
       {.type = Type::int8,
        .heads = 1,
        .head_dim = 4,
        .keys = {1, -2.1, 0.5, 4},
        .values = {0.1, 0.2, 0.3, -0.1}}},
      {"negative",
       "int8: the largest is negative: -8, 1, 3, 0.2",
       {.type = Type::int8, .heads = 1, .head_dim = 4, .keys = {-8, 1, 3, 0.2}, .values = {-1, -2, -3, -5}}},
      {"zeros",
       "int8: a head of zeros next to one of 1, 2, 3",
       {.type = Type::int8,
        .heads = 2,
        .head_dim = 3,
        .keys = {0, 0, 0, 1, 2, 3},
        .values = {3, 2, 1, 0, 0, 0}}},
      {"two-heads", "int8: two heads at one position, one of them 50 times as large", heads},
      {"positions", "int8: three positions of two heads, one position 20 times as large", positions},
      {"appended", "int8: three positions written, then one more, then all four read", appended},
      {"first-visible", "int8: three positions written, then one more, then read from position 2 on",
       seen_late},
      {"tiny",
       "int8: a head whose largest magnitude is 1e-40: its scale is not 0, but 1 / scale is infinite",
       {.type = Type::int8,
        .heads = 1,
        .head_dim = 4,
        .keys = {tiny(1e-40), tiny(-0.6e-40), tiny(0.3e-40), 0},
        .values = {1, 2, 3, 4}}},
      {"not-finite",
       "int8: a head with a NaN, one with an infinity, and one next to each",
       {.type = Type::int8,
        .heads = 2,
        .head_dim = 2,
        .keys = {nan, 1, 2, 3, 4, 5, -std::numeric_limits<double>::infinity(), 6},
        .values = {1, 2, 3, 4, 5, 6, 7, 8}}},
      {"half",
       "f16: 0.1, 1 / 3, 2049, -1e-7",
       {.type = Type::f16,
        .heads = 1,
        .head_dim = 4,
        .keys = {static_cast<double>(0.1F), static_cast<double>(1 / 3.0F), 2049, static_cast<double>(-1e-7F)},
        .values = {2051, static_cast<double>(0.7F), static_cast<double>(-0.3F), 60001}}},
      {"float",
       "f32: 0.1, 1 / 3: exactly",
       {.type = Type::f32,
        .heads = 1,
        .head_dim = 2,
        .keys = {static_cast<double>(0.1F), static_cast<double>(1 / 3.0F)},
        .values = {1, 2}}},
  };
  check.oracle = [](const Input& input) { return run(input, Slip::none); };
  check.mistakes = {
      mistake("scale_of_first_head", "every head is read with the first head's scale; each head has its own",
              Slip::scale_of_first_head),
      mistake("scale_of_last_position",
              "every position is read with the scale that was written last; each position has its own",
              Slip::scale_of_last_position),
      mistake("scale_per_position",
              "one scale for all heads of a position: a small head next to a large one loses its digits; one "
              "for each",
              Slip::scale_per_position),
      mistake("scale_per_cache", "one scale for all positions; each head of each position has its own",
              Slip::scale_per_cache),
      mistake("values_with_keys_scale", "values are read with the keys' scales; they have their own",
              Slip::scale_of_keys),
      mistake("toward_zero", "numbers are cut off towards zero; round to the nearest", Slip::toward_zero),
      mistake("divided_by_128",
              "the largest becomes 128, which a signed byte turns into -128; it becomes 127",
              Slip::divided_by_128),
      mistake("largest_is_127_of_128",
              "the scale is a 128th of the largest, which then is cut to 127 of them; it is a 127th",
              Slip::divided_by_128_and_cut),
      mistake("largest_not_absolute",
              "the scale is taken from the largest number; it is the largest magnitude",
              Slip::largest_not_absolute),
      mistake("unsigned_bytes", "negative numbers become 0 in an unsigned byte; the byte is signed",
              Slip::unsigned_bytes),
      mistake("zero_divided", "a head of zeros is divided by its scale of 0; it stays zeros",
              Slip::zero_divided),
      mistake(
          "half_added",
          "a half is added and the rest cut off, also from negative numbers, which rounds them up; round to "
          "the nearest",
          Slip::half_added),
      mistake("one_over_scale",
              "multiplied with 1 / scale, which is infinite where a head's numbers are below 1e-36; divide "
              "by the "
              "scale",
              Slip::one_over_scale),
      mistake("written_from_slot_0",
              "rows are written from the store's first slot on; the first of them goes to first_slot",
              Slip::lane_ignored),
      mistake("read_from_slot_0",
              "what is read begins in the store's first slot; use sequence.slot(first_visible)",
              Slip::lane_ignored_when_read),
      mistake("first_visible_ignored", "read from position 0; the oldest that may be seen is first_visible",
              Slip::read_from_the_start),
      mistake("new_rows_not_read",
              "only the past read; the rows that have just been written are visible too: up to length()",
              Slip::past_alone_read),
      {"half_cut_off", "fp16 numbers are cut off towards zero; round to the nearest",
       [](const Input& input) { return run(input, Slip::none, true); }},
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check
