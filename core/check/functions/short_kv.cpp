#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

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
  position_as_slot,
  ring_ignored,
  read_from_the_start,
  start_not_added,
  past_alone_read,
  new_rows_alone_read,
  scale_of_first_head,
  scale_of_last_position,
  scales_from_slot_0,
  scale_per_position,
  scale_per_head,
  scale_per_cache,
  scale_of_keys,
  toward_zero,
  divided_by_128,
  divided_by_128_and_cut,
  largest_not_absolute,
  unsigned_bytes,
  zeros_not_written,
  half_truncated,
};

std::int64_t width(const Input& input) {
  return input.heads * input.head_dim;
}
std::int64_t positions(const Input& input) {
  return static_cast<std::int64_t>(input.keys.size()) / width(input);
}
std::int64_t length(const Input& input) {
  return input.first + positions(input);
}
/// In its lane.
std::int64_t place_of(const Input& input, std::int64_t position) {
  return input.ring > 0 ? position % input.ring : position;
}

double through_half(double number, bool truncated) {
  const double rounded = oracle::value_of(oracle::binary16, oracle::nearest(oracle::binary16, number));
  if (!truncated || std::abs(rounded) <= std::abs(number)) return rounded;
  const double step = std::ldexp(1.0, std::max(std::ilogb(number), -14) - 10);
  return std::trunc(number / step) * step;
}

/// A byte of an int8 head, as the slip makes it.
double byte_of(double number, double scale, Slip slip) {
  // In fp32, as a candidate divides: cutting off would tell 126.9999999 from 127.
  auto ratio = static_cast<double>(static_cast<float>(number) / static_cast<float>(scale));
  // In fp32 the inverse of a tiny scale is infinite, and no whole number.
  if (slip == Slip::one_over_scale && std::isinf(1 / static_cast<float>(scale))) ratio = 0;
  if (slip == Slip::half_added) ratio = std::trunc(ratio + 0.5);
  auto whole =
      static_cast<std::int64_t>(slip == Slip::toward_zero ? std::trunc(ratio) : std::nearbyint(ratio));
  if (slip == Slip::divided_by_128_and_cut) whole = std::clamp<std::int64_t>(whole, -127, 127);
  if (slip == Slip::unsigned_bytes) return static_cast<double>(std::clamp<std::int64_t>(whole, 0, 255));
  return static_cast<double>(static_cast<std::int8_t>(whole & 0xff));  // what a byte makes of it
}

/// The slots of one layer's keys, or of its values. The oracle, and with a slip what somebody else wrote.
class Slots {
 public:
  Slots(const Input& input, Slip slip)
      // A slip in the int8 store is none in the others.
      : input_(input), slip_(input.type == Type::int8 || slip == Slip::half_truncated ? slip : Slip::none) {
    const std::int64_t slots = short_kv_slots(input);
    numbers_.resize(static_cast<std::size_t>(slots * width(input)));
    scales_.assign(static_cast<std::size_t>(slots * input.heads), 1.0);
    write(Numbers(numbers_.size(), short_kv_before), 0);
  }
  void write_all(const Numbers& rows) {
    for (const auto& [from, to] :
         {std::pair{std::int64_t{0}, input_.past}, std::pair{input_.past, positions(input_)}}) {
      if (from == to) continue;
      const std::int64_t slot = short_kv_lane + place_of(input_, input_.first + from);
      write({rows.begin() + from * width(input_), rows.begin() + to * width(input_)},
            slip_ == Slip::lane_ignored ? 0 : slot);
    }
  }
  /// @param scales  of which slots
  Numbers read(const Slots& scales) const {
    const std::int64_t seen = input_.first_visible;
    std::int64_t first = short_kv_lane + place_of(input_, seen);
    std::int64_t last = length(input_);
    if (slip_ == Slip::read_from_the_start || slip_ == Slip::start_not_added) first = short_kv_lane;
    if (slip_ == Slip::lane_ignored_when_read) first = 0;
    if (slip_ == Slip::position_as_slot) first = seen;
    if (slip_ == Slip::ring_ignored) first = short_kv_lane + seen;
    if (slip_ == Slip::past_alone_read) last = input_.first + input_.past;
    std::int64_t count = last - (slip_ == Slip::read_from_the_start ? 0 : seen);
    if (slip_ == Slip::new_rows_alone_read) count = positions(input_) - input_.past;
    Numbers found;
    for (std::int64_t slot = first; slot < first + count; ++slot) {
      for (std::int64_t i = 0; i < width(input_); ++i) {
        std::int64_t scale_slot = slot, head = i / input_.head_dim;
        if (slip_ == Slip::scale_of_first_head) head = 0;
        if (slip_ == Slip::scales_from_slot_0) scale_slot = slot - first;
        if (slip_ == Slip::scale_of_last_position)
          scale_slot = short_kv_lane + place_of(input_, length(input_) - 1);
        found.push_back(numbers_[static_cast<std::size_t>(slot * width(input_) + i)] *
                        scales.scales_[static_cast<std::size_t>(scale_slot * input_.heads + head)]);
      }
    }
    return found;
  }

 private:
  static double largest(const Numbers& rows, Slip slip, std::int64_t from, std::int64_t count) {
    double most = slip == Slip::largest_not_absolute ? -std::numeric_limits<double>::infinity() : 0;
    for (std::int64_t i = from; i < from + count; ++i) {
      const double number = rows[static_cast<std::size_t>(i)];
      most = std::max(most, slip == Slip::largest_not_absolute ? number : std::abs(number));
    }
    return std::abs(most);
  }
  /// Rounded to the fp32 that it is stored as.
  double scale_of(const Numbers& rows, std::int64_t t, std::int64_t head) const {
    const std::int64_t all = static_cast<std::int64_t>(rows.size());
    double most = largest(rows, slip_, t * width(input_) + head * input_.head_dim, input_.head_dim);
    if (slip_ == Slip::scale_per_position) most = largest(rows, slip_, t * width(input_), width(input_));
    if (slip_ == Slip::scale_per_cache) most = largest(rows, slip_, 0, all);
    if (slip_ == Slip::scale_per_head) {
      for (std::int64_t from = head * input_.head_dim; from < all; from += width(input_))
        most = std::max(most, largest(rows, slip_, from, input_.head_dim));
    }
    const bool by_128 = slip_ == Slip::divided_by_128 || slip_ == Slip::divided_by_128_and_cut;
    return static_cast<double>(static_cast<float>(most) / (by_128 ? 128.0F : 127.0F));
  }
  /// One call's rows.
  void write(const Numbers& rows, std::int64_t first_slot) {
    if (input_.type != Type::int8) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        numbers_[static_cast<std::size_t>(first_slot * width(input_)) + i] =
            input_.type == Type::f16 ? through_half(rows[i], slip_ == Slip::half_truncated) : rows[i];
      }
      return;
    }
    for (std::int64_t t = 0; t * width(input_) < static_cast<std::int64_t>(rows.size()); ++t) {
      for (std::int64_t head = 0; head < input_.heads; ++head) {
        const auto from = rows.begin() + t * width(input_) + head * input_.head_dim;
        const auto into = numbers_.begin() + (first_slot + t) * width(input_) + head * input_.head_dim;
        double& kept = scales_[static_cast<std::size_t>((first_slot + t) * input_.heads + head)];
        // Whatever else is wrong: a head that is not finite has no scale, and reads as NaN.
        if (!std::all_of(from, from + input_.head_dim, [](double number) { return std::isfinite(number); })) {
          kept = std::numeric_limits<double>::quiet_NaN();
          std::fill_n(into, input_.head_dim, 0.0);
          continue;
        }
        const double scale = scale_of(rows, t, head);
        if (scale == 0 && slip_ == Slip::zeros_not_written) continue;
        kept = scale;
        std::transform(from, from + input_.head_dim, into,
                       [&](double number) { return scale == 0 ? 0 : byte_of(number, scale, slip_); });
      }
    }
  }

  Input input_;
  Slip slip_;
  Numbers numbers_, scales_;  // [slots, heads · head_dim] and [slots, heads]
};

Numbers run(const Input& input, Slip slip) {
  Slots keys(input, slip), values(input, slip);
  keys.write_all(input.keys);
  values.write_all(input.values);
  Numbers found = keys.read(keys);
  const Numbers more = values.read(slip == Slip::scale_of_keys ? keys : values);
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

std::string difference(const Input& input, const Numbers& found, const Numbers& expected) {
  const auto side = static_cast<std::int64_t>(expected.size()) / 2;
  if (found.size() != expected.size()) {
    return fmt::format("expected {} numbers, the keys and values of positions {} to {}; found {}",
                       expected.size(), input.first_visible, length(input) - 1, found.size());
  }
  return first_wrong_number(found, expected, 1e-6, [&](std::size_t index) {
    const auto i = static_cast<std::int64_t>(index);
    const std::int64_t in_side = i % side;
    return fmt::format("the {} of position {}, head {}, number {}", i < side ? "key" : "value",
                       input.first_visible + in_side / width(input), in_side % width(input) / input.head_dim,
                       in_side % input.head_dim);
  });
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

std::int64_t short_kv_slots(const Input& input) {
  return short_kv_lane + length(input) + 3;
}

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
  // Slots of 4 are used round and round: 5, 6 and 7 are in 1, 2 and 3, and 8 to 11 in all of them.
  Input ring{.type = Type::int8,
             .heads = 2,
             .head_dim = 3,
             .keys = drawn(18, 1, 7),
             .values = drawn(18, 2, 8),
             .past = 2,
             .first_visible = 6,
             .first = 5,
             .ring = 4};
  Input round{.type = Type::int8,
              .heads = 1,
              .head_dim = 2,
              .keys = drawn(8, 1, 9),
              .values = drawn(8, 2, 10),
              .past = 4,
              .first_visible = 8,
              .first = 8,
              .ring = 4};
  Input half_round = round;
  half_round.type = Type::f16;
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
       "int8: a head of zeros next to one of 1, 2, 3, in slots where a head of 1000s was",
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
      {"ring", "int8: a ring of 4 slots: positions 5 and 6 written, then 7, then read from position 6 on",
       ring},
      {"ring-full",
       "int8: a ring of 4 slots: positions 8 to 11 written, which begin in its first slot, then read without "
       "new rows",
       round},
      {"tiny",
       "int8: a head whose largest magnitude is 1e-40: its scale is not 0, but 1 / scale is infinite",
       {.type = Type::int8,
        .heads = 1,
        .head_dim = 4,
        .keys = {tiny(1e-40), tiny(-0.6e-40), tiny(0.3e-40), 0},
        .values = {1, 2, 3, 4}}},
      {"not-a-number",
       "int8: a head with a NaN",
       {.type = Type::int8, .heads = 1, .head_dim = 3, .keys = {1, nan, 2}, .values = {1, 2, 3}}},
      {"infinite",
       "int8: two positions of two heads, one of them with an infinity: the other three are not harmed",
       {.type = Type::int8,
        .heads = 2,
        .head_dim = 2,
        .keys = {1, 2, 3, 4, 5, 6, -std::numeric_limits<double>::infinity(), 7},
        .values = {1, 2, 3, 4, 5, 6, 7, 8}}},
      {"half",
       "f16: 0.1, 1 / 3, 2049, -1e-7",
       {.type = Type::f16,
        .heads = 1,
        .head_dim = 4,
        .keys = {static_cast<double>(0.1F), static_cast<double>(1 / 3.0F), 2049, static_cast<double>(-1e-7F)},
        .values = {2051, static_cast<double>(0.7F), static_cast<double>(-0.3F), 60001}}},
      {"half-ring", "f16: a ring of 4 slots: positions 8 to 11 written, then read without new rows",
       half_round},
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
      mistake("scale_per_head",
              "one scale for a head at all positions that are written together; each position has its own",
              Slip::scale_per_head),
      mistake("scale_per_cache",
              "one scale for all that is written together; each head of each position has its own",
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
      mistake("zeros_not_written",
              "a head of zeros is passed over, and its slot reads as what was there before; its scale is 0",
              Slip::zeros_not_written),
      mistake(
          "half_added",
          "a half is added and the rest cut off, also from negative numbers, which rounds them up; round to "
          "the nearest",
          Slip::half_added),
      mistake(
          "one_over_scale",
          "a head of tiny numbers reads as zeros: its scale is not 0, but 1 / scale is more than fp32 holds, "
          "and a scale to which something is added is another; divide by the scale, and only 0 is 0",
          Slip::one_over_scale),
      mistake("written_from_slot_0",
              "rows are written from the store's first slot on; the first of them goes to first_slot",
              Slip::lane_ignored),
      mistake("read_from_slot_0",
              "what is read begins in the store's first slot; use sequence.slot(first_visible)",
              Slip::lane_ignored_when_read),
      mistake("position_as_slot",
              "what is read begins in slot first_visible of the store; it is slot(first_visible), for a lane "
              "has a first_slot",
              Slip::position_as_slot),
      mistake("ring_ignored",
              "position p is read from slot first_slot + p, beyond the lane where it is a ring; ask "
              "sequence.slot(p), as write does",
              Slip::ring_ignored),
      mistake("first_visible_ignored", "read from position 0; the oldest that may be seen is first_visible",
              Slip::read_from_the_start),
      mistake(
          "first_visible_not_added",
          "as many positions are read as are seen, but from position 0 on; the oldest that may be seen is "
          "first_visible",
          Slip::start_not_added),
      mistake("new_rows_not_read",
              "only the past read; the rows that have just been written are visible too: up to length()",
              Slip::past_alone_read),
      mistake("new_rows_alone_read",
              "only as many positions are read as the batch has rows; it is length() - first_visible",
              Slip::new_rows_alone_read),
      mistake("scales_from_slot_0",
              "bytes are read from the right slots, but their scales from slot 0 on; both have the same slot",
              Slip::scales_from_slot_0),
      mistake("half_cut_off", "fp16 numbers are cut off towards zero; round to the nearest",
              Slip::half_truncated),
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-6);
  };
  check.show = show_numbers;
  check.difference_in = difference;
  return check;
}

}  // namespace rung::check
