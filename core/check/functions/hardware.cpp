#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/sizing.h"

namespace rung::check {
namespace {

using Input = HardwareInput;
using Numbers = std::vector<double>;
using Asked = Input::Rule;

constexpr std::int64_t largest_batch = std::int64_t{1} << 40U;

/// What people get wrong.
struct Habits {
  bool any_count = false, rounded_down = false, full_is_too_small = false, most_ignored = false,
       price_of_one = false, one_only = false, free_without_price = false, last_of_equals = false,
       smallest_memory = false, kv_left_out = false, one_too_few = false, only_above = false, ridge = false,
       never_is_large = false, capacity_below = false, all_experts_read = false, most_as_count = false,
       fewest = false, never_by_the_second = false, closed_form = false;
  std::optional<double> too_few = {};       ///< devices taken where even 1024 are too few
  std::int64_t most_of_one = 1024;          ///< devices that are looked at for the cheapest
  std::int64_t most_tried = largest_batch;  ///< batches that are tried
};

/// How many devices, or 0.
double devices_for(double bytes, double memory, std::int64_t most, const Habits& habits) {
  if (habits.any_count) {
    const double count = std::ceil(bytes / memory);
    return count <= static_cast<double>(most) ? count : 0;
  }
  double count = 1;
  while (habits.full_is_too_small ? bytes >= count * memory : bytes > count * memory) {
    if (habits.rounded_down && bytes < 2 * count * memory) break;
    count *= 2;
    if (habits.capacity_below && count >= static_cast<double>(most)) return 0;
    if (habits.most_ignored || count <= static_cast<double>(most)) continue;
    const auto all = static_cast<double>(most);
    return habits.most_as_count && bytes <= all * memory ? all : 0;
  }
  return count;
}

Numbers cheapest(const Input& input, const Habits& habits) {
  Numbers best;
  double least = 0;
  for (std::size_t i = 0; i < input.devices.size(); ++i) {
    const HardwareDevice& device = input.devices[i];
    if (!device.price && !habits.free_without_price) continue;
    double count = devices_for(input.bytes, device.memory, habits.most_of_one, habits);
    const bool enough = count > 0 || habits.too_few;
    if (count == 0) count = habits.too_few.value_or(0);
    if (!enough || (habits.one_only && count > 1)) continue;
    const double price = device.price.value_or(0), all = price * count;
    const double judged = habits.price_of_one ? price : habits.smallest_memory ? device.memory * count : all;
    const bool fewer = habits.fewest && !best.empty() && count != best[1];
    const bool better =
        fewer ? count < best[1] : judged < least || (habits.last_of_equals && judged == least);
    if (best.empty() || better) {
      best = {static_cast<double>(i), count, all};
      least = judged;
    }
  }
  return best;
}

/// The first batch for which `computes` holds, which then holds for all larger ones; 0 where that is none of `most`. The
/// first ones are tried one by one.
template <typename Computes>
std::int64_t first_batch(const Computes& computes, std::int64_t most) {
  constexpr std::int64_t one_by_one = 256;
  for (std::int64_t batch = 1; batch <= std::min(most, one_by_one); ++batch) {
    if (computes(batch)) return batch;
  }
  if (most <= one_by_one || !computes(most)) return 0;
  std::int64_t first = one_by_one + 1;
  for (std::int64_t last = most; first < last;) {
    const std::int64_t middle = first + (last - first) / 2;
    if (computes(middle)) {
      last = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}

Numbers turning(const Input& input, const Habits& habits) {
  if (habits.ridge) return {std::ceil(input.flops_per_second / input.bytes_per_second)};
  const auto seconds_of = [&](std::int64_t batch) {  // computing, moving
    StepWorkInput step = input.step;
    step.rows = batch;
    if (habits.kv_left_out) step.past = 0;
    const Numbers work = habits.all_experts_read ? step_work_of_all_experts(step) : right_step_work(step);
    return std::pair{work[0] / input.flops_per_second, work[1] / input.bytes_per_second};
  };
  if (habits.never_by_the_second || habits.closed_form) {
    const auto [computing, moving] = seconds_of(1);
    const double more = seconds_of(2).second - moving;
    if (computing <= more) return {};
    if (habits.closed_form) return {std::max(1.0, std::ceil((moving - more) / (computing - more)))};
  }
  const auto computes = [&](std::int64_t batch) {
    const auto [computing, moving] = seconds_of(batch);
    return habits.only_above ? computing > moving : computing >= moving;
  };
  const std::int64_t first = first_batch(computes, habits.most_tried);
  if (first > 0) return {static_cast<double>(first - (habits.one_too_few && first > 1 ? 1 : 0))};
  if (habits.never_is_large) return {static_cast<double>(largest_batch)};
  return {};
}

Numbers answer(const Input& input, const Habits& habits) {
  if (input.rule == Asked::cheapest) return cheapest(input, habits);
  if (input.rule == Asked::turning) return turning(input, habits);
  const double count = devices_for(input.bytes, input.devices.front().memory, input.most, habits);
  return count > 0 ? Numbers{count} : Numbers{};
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, const Habits& habits,
                                        const std::vector<Habits>& others = {}) {
  return mistake_of_habits(std::move(name), std::move(sentence), answer, habits, others);
}

std::string show(const Numbers& numbers) {
  if (numbers.empty()) return "nothing";
  if (numbers.size() == 1) return fmt::format("{:g}", numbers[0]);
  return fmt::format("{:g} of device {:g} for {:g}", numbers.at(1), numbers.at(0), numbers.back());
}

Input devices(double bytes, double memory, std::int64_t most) {
  return {.rule = Asked::devices, .bytes = bytes, .most = most, .devices = {{memory, 1}}};
}

Input choice(double bytes, std::vector<HardwareDevice> list) {
  return {.rule = Asked::cheapest, .bytes = bytes, .devices = std::move(list)};
}

/// A model of two layers in f32, decoded after `past` positions, on hardware of so many FLOPs for a byte.
Input turn(std::int64_t past, double flops_for_a_byte, bool experts = false) {
  Input input;
  input.rule = Asked::turning;
  input.step.shape = {
      .layers = 2, .hidden = 64, .heads = 8, .kv_heads = 2, .head_dim = 8, .feed_forward = 96, .vocab = 50};
  if (experts) {
    input.step.shape.experts = 8;
    input.step.shape.used = 2;
  }
  input.step.past = past;
  input.bytes_per_second = 1;
  input.flops_per_second = flops_for_a_byte;
  return input;
}

/// The same model on hardware that computes and moves a step for `batch` sequences in one second each.
/// @param vocab  so many weights for the few keys and values that a large batch can turn
Input turn_at(std::int64_t past, std::int64_t batch, std::int64_t vocab = 50) {
  Input input = turn(past, 1);
  input.step.shape.vocab = vocab;
  StepWorkInput step = input.step;
  step.rows = batch;
  const Numbers work = right_step_work(step);
  input.flops_per_second = work[0];
  input.bytes_per_second = work[1];
  return input;
}

}  // namespace

FunctionCheck<Input, Numbers> hardware_check() {
  FunctionCheck<Input, Numbers> check;
  check.name = "hardware";
  check.chapter = 21;
  check.what = "how many devices hold a model, which are the cheapest, and from which batch on they compute";
  check.cases = {
      {"fits", "100 bytes, devices of 128", devices(100, 128, 64)},
      {"exactly", "128 bytes, devices of 128: one is enough", devices(128, 128, 64)},
      {"two", "129 bytes, devices of 128", devices(129, 128, 64)},
      {"three-are-four", "300 bytes, devices of 128: three would do, but a model is split over 1, 2, 4, …",
       devices(300, 128, 64)},
      {"exactly-two", "256 bytes, devices of 128", devices(256, 128, 64)},
      {"most", "512 bytes, devices of 128, at most 4 of them", devices(512, 128, 4)},
      {"too-many", "600 bytes, devices of 128, at most 4 of them", devices(600, 128, 4)},
      {"most-of-no-power", "600 bytes, devices of 128, at most 6 of them: 4 are too few, and 8 too many",
       devices(600, 128, 6)},
      {"some-of-six", "500 bytes, devices of 128, at most 6 of them", devices(500, 128, 6)},
      {"one-cheap", "100 bytes; devices of 128 for 2, of 256 for 3", choice(100, {{128, 2}, {256, 3}})},
      {"larger-is-cheaper", "400 bytes; devices of 128 for 1, of 512 for 3",
       choice(400, {{128, 1}, {512, 3}})},
      {"small-but-dear", "100 bytes; devices of 128 for 5, of 256 for 1", choice(100, {{128, 5}, {256, 1}})},
      {"two-small", "200 bytes; devices of 128 for 1, of 256 for 3", choice(200, {{128, 1}, {256, 3}})},
      {"more-are-cheaper", "300 bytes; devices of 128 for 1, of 256 for 3",
       choice(300, {{128, 1}, {256, 3}})},
      {"many-are-cheaper", "1000 bytes; devices of 1 for 0.001, of 2048 for 3",
       choice(1000, {{1, 0.001}, {2048, 3}})},
      {"without-price", "100 bytes; devices of 128 without a price, of 256 for 3",
       choice(100, {{128, {}}, {256, 3}})},
      {"as-cheap", "200 bytes; devices of 128 for 1, of 256 for 2", choice(200, {{128, 1}, {256, 2}})},
      {"nothing-has-a-price", "100 bytes; one device without a price", choice(100, {{128, {}}})},
      {"too-few-of-one", "2000 bytes; devices of 1 for 0.001, of which 1024 are too few, of 2048 for 3",
       choice(2000, {{1, 0.001}, {2048, 3}})},
      {"too-few-of-all", "2000 bytes; devices of 1 for 0.001, of which 1024 are too few",
       choice(2000, {{1, 0.001}})},
      {"turn-first", "f32, nothing remembered; 3 FLOPs for a byte", turn(0, 3)},
      {"turn-past", "f32 after 200 positions; 3 FLOPs for a byte", turn(200, 3)},
      {"turn-at-once", "f32, nothing remembered; 0.25 FLOPs for a byte: computing-bound from one sequence on",
       turn(0, 0.25)},
      {"turn-exactly", "f32 after 3 positions, on hardware that takes just as long for both at a batch of 4",
       turn_at(3, 4)},
      {"turn-mixture", "8 experts, 2 for each row; 10 FLOPs for a byte", turn(0, 10, true)},
      {"turn-mixture-early",
       "the same with 1 FLOP for a byte: a small batch, which does not read all experts", turn(0, 1, true)},
      {"turn-late", "f32 after 3 positions, on hardware that takes just as long for both at a batch of 5000",
       turn_at(3, 5000)},
      {"turn-millions",
       "nothing remembered, a vocabulary of a million; hardware that takes just as long at a batch of "
       "3,000,000",
       turn_at(0, 3'000'000, 1 << 20)},
      {"turn-at-most", "the same, just as long at a batch of 2^40", turn_at(0, largest_batch, 1 << 20)},
      {"turn-above", "the same, just as long at a batch of 2^41: above 2^40 there is none",
       turn_at(0, 2 * largest_batch, 1 << 20)},
      {"turn-never",
       "f32 after 200 positions; 50 FLOPs for a byte: keys and values take longer than their FLOPs",
       turn(200, 50)},
  };
  check.oracle = [](const Input& input) { return answer(input, {}); };
  check.mistakes = {
      mistake("hardware_any_count",
              "as many devices as there are memories' worth of bytes, such as 3; a model is split over 1, 2, "
              "4, 8, …",
              {.any_count = true}),
      mistake("hardware_rounded_down", "too few devices: the last doubling left out", {.rounded_down = true}),
      mistake("hardware_full_is_too_small",
              "memory that is just full taken as too small; bytes <= memory fits",
              {.full_is_too_small = true}),
      mistake("hardware_most_ignored", "more devices than `most`; there are no more, so nothing fits",
              {.most_ignored = true}),
      mistake("hardware_most_left_out",
              "fewer than `most` devices at the most; `most` themselves are allowed",
              {.capacity_below = true}),
      mistake("hardware_most_as_count",
              "`most` devices taken where that is none of 1, 2, 4, 8, …; only these are, up to `most`",
              {.most_as_count = true}),
      mistake("hardware_price_of_one",
              "the cheapest single device, whatever number of them it takes; compare count × price",
              {.price_of_one = true}),
      mistake("hardware_one_only", "only devices looked at of which one is enough", {.one_only = true}),
      mistake(
          "hardware_fewest",
          "the fewest devices taken, and of those the least price; what all of them cost is compared alone",
          {.fewest = true}),
      mistake(
          "hardware_not_so_many",
          "a device left out of which many are needed; up to 1024 count, which devices_for() takes by itself",
          {.most_of_one = 64}, {{.most_of_one = 8}, {.most_of_one = 512}}),
      mistake("hardware_free_without_price", "a device without a price taken as free; it cannot be rented",
              {.free_without_price = true}),
      mistake("hardware_last_of_equals", "the later of two that cost the same; take the earlier",
              {.last_of_equals = true}),
      mistake("hardware_too_few_taken",
              "a device taken of which even 1024 are too few; devices_for() says nothing then, so it is out",
              {.too_few = 1024}, {{.too_few = 0}, {.too_few = 1}}),
      mistake("hardware_smallest_memory", "the least memory taken for the least price",
              {.smallest_memory = true}),
      mistake("turning_kv_left_out", "the past's keys and values left out; every sequence reads its own",
              {.kv_left_out = true}),
      mistake("turning_one_too_few", "the last batch that memory bounds; the next one is asked for",
              {.one_too_few = true}),
      mistake("turning_only_above", "the first batch that computes longer than it moves; as long is enough",
              {.only_above = true}),
      mistake("turning_ridge",
              "FLOPs a byte of the machine taken for the batch; a row does not do one FLOP for each byte of "
              "weights",
              {.ridge = true}),
      mistake("turning_all_experts_read", "all experts read by every batch; a small one touches some of them",
              {.all_experts_read = true}),
      mistake("turning_search_too_short",
              "no batch found where a large one turns; those up to 2^40 count, so double them",
              {.most_tried = 1 << 12},
              {{.most_tried = 1 << 10}, {.most_tried = 1 << 17}, {.most_tried = std::int64_t{1} << 30U}}),
      mistake("turning_search_too_long", "a batch above 2^40 taken; there the answer is that there is none",
              {.most_tried = 2 * largest_batch}, {{.most_tried = std::int64_t{1} << 62U}}),
      mistake("turning_closed_form",
              "never, or a batch solved for, as if each row added as many bytes as the second; with experts "
              "later "
              "ones add fewer: search",
              {.never_by_the_second = true}, {{.closed_form = true}}),
      mistake("turning_never_is_large", "a large number where it never turns; there is no such batch",
              {.never_is_large = true}),
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-9);
  };
  check.show = show;
  return check;
}

}  // namespace rung::check
