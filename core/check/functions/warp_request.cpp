#include "core/check/functions/warp_request.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace rung::check {
namespace {

using Check = FunctionCheck<WarpRequestInput, std::int64_t>;
using Count = std::function<std::int64_t(const WarpRequestInput&)>;

std::int64_t divided_up(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

/// Pieces of `size` bytes, from multiples of it, that hold a byte of some lane.
std::int64_t pieces(const WarpRequestInput& input, std::int64_t size) {
  std::set<std::int64_t> different;
  for (const std::int64_t address : input.addresses) {
    for (std::int64_t byte = address; byte < address + input.bytes_per_lane; ++byte)
      different.insert(byte / size);
  }
  return static_cast<std::int64_t>(different.size());
}

/// Lanes whose piece of `size` bytes is not the one of the lane before.
std::int64_t changes(const WarpRequestInput& input, std::int64_t size) {
  std::int64_t count = 0;
  for (std::size_t lane = 0; lane < input.addresses.size(); ++lane)
    count += lane == 0 || input.addresses[lane] / size != input.addresses[lane - 1] / size ? 1 : 0;
  return count;
}

/// Addresses cut to 32 bits.
WarpRequestInput cut(WarpRequestInput input) {
  for (std::int64_t& address : input.addresses) address = static_cast<std::int32_t>(address);
  return input;
}

std::int64_t bytes_of_all_lanes(const WarpRequestInput& input) {
  return static_cast<std::int64_t>(input.addresses.size()) * input.bytes_per_lane;
}

/// From the first byte to the last that some lane wants.
std::int64_t span(const WarpRequestInput& input) {
  const auto [first, last] = std::ranges::minmax(input.addresses);
  return last + input.bytes_per_lane - first;
}

WarpRequestInput lanes(int bytes, std::int64_t (*address)(std::int64_t), std::int64_t count = 32) {
  WarpRequestInput input{.addresses = {}, .bytes_per_lane = bytes};
  for (std::int64_t lane = 0; lane < count; ++lane) input.addresses.push_back(address(lane));
  return input;
}

std::vector<FunctionCase<WarpRequestInput>> requests() {
  return {
      {"one-lane", "one lane, 4 bytes",
       lanes(
           4, [](std::int64_t) { return std::int64_t{64}; }, 1)},
      {"neighbours", "32 neighbouring words", lanes(4, [](std::int64_t l) { return 4 * l; })},
      {"misaligned", "32 neighbouring words from byte 4 on",
       lanes(4, [](std::int64_t l) { return 4 + 4 * l; })},
      {"backwards", "32 neighbouring words, the last lane first",
       lanes(4, [](std::int64_t l) { return 256 - 4 * l; })},
      {"stride-2", "every other word", lanes(4, [](std::int64_t l) { return 8 * l; })},
      {"stride-32", "a column of rows of 32 words", lanes(4, [](std::int64_t l) { return 128 * l; })},
      {"one-word", "all lanes the same word", lanes(4, [](std::int64_t) { return std::int64_t{64}; })},
      {"pairs", "two lanes each of 16 words that are 64 bytes apart",
       lanes(4, [](std::int64_t l) { return l / 2 * 64; })},
      {"in-turns", "four words that are 64 bytes apart, and from lane to lane the next of them",
       lanes(4, [](std::int64_t l) { return l % 4 * 64; })},
      {"halves", "32 neighbouring numbers of 2 bytes", lanes(2, [](std::int64_t l) { return 2 * l; })},
      {"bytes", "20 neighbouring bytes from byte 20 on",
       lanes(
           1, [](std::int64_t l) { return 20 + l; }, 20)},
      {"vectors", "32 neighbouring vectors of 16 bytes", lanes(16, [](std::int64_t l) { return 16 * l; })},
      {"vector-column", "a vector of 16 bytes in each of 32 rows of 48 bytes",
       lanes(16, [](std::int64_t l) { return 48 * l; })},
      {"seven", "7 lanes, every third word",
       lanes(
           4, [](std::int64_t l) { return 12 * l; }, 7)},
      {"eleven", "11 neighbouring words",
       lanes(
           4, [](std::int64_t l) { return 4 * l; }, 11)},
      {"far", "16 words that are 4 GiB apart",
       lanes(
           4, [](std::int64_t l) { return l << 32; }, 16)}};
}

constexpr const char* addresses_cut =
    "addresses cut to 32 bits, so that some 4 GiB apart are taken for one; an int64_t holds them all";

FunctionMistake<WarpRequestInput, std::int64_t> mistake(std::string name, std::string sentence, Count count,
                                                        std::vector<Count> also = {}) {
  return {std::move(name), std::move(sentence), std::move(count), std::move(also)};
}

Check request_check(std::string name, std::string what, Count oracle) {
  Check check;
  check.name = std::move(name);
  check.chapter = 13;
  check.what = std::move(what);
  check.cases = requests();
  check.oracle = std::move(oracle);
  check.show = [](std::int64_t count) { return fmt::format("{} sectors", count); };
  check.difference = [called = check.name](std::int64_t found, std::int64_t expected) {
    return fmt::format("{}: expected {} sectors, found {}", called, expected, found);
  };
  return check;
}

}  // namespace

Check sectors_check() {
  Check check = request_check("sectors", "32-byte sectors that a load of a warp asks for",
                              [](const WarpRequestInput& input) { return pieces(input, 32); });
  check.mistakes = {
      mistake(
          "sectors_of_each_lane",
          "a sector counted for each lane; lanes that want bytes of the same sector share it",
          [](const WarpRequestInput& input) { return static_cast<std::int64_t>(input.addresses.size()); }),
      mistake("sectors_of_full_bytes",
              "the bytes divided by 32; a sector comes whole, however few of its bytes are wanted",
              [](const WarpRequestInput& input) { return divided_up(bytes_of_all_lanes(input), 32); },
              {[](const WarpRequestInput& input) { return divided_up(pieces(input, 1), 32); },
               [](const WarpRequestInput& input) { return bytes_of_all_lanes(input) / 32; }}),
      mistake("sectors_of_the_span",
              "all sectors from the first byte to the last; one that no lane touches is not moved",
              [](const WarpRequestInput& input) {
                const auto [first, last] = std::ranges::minmax(input.addresses);
                return (last + input.bytes_per_lane - 1) / 32 - first / 32 + 1;
              },
              {[](const WarpRequestInput& input) { return divided_up(span(input), 32); }}),
      mistake("sectors_of_128", "128 bytes at a time, which is a line of the cache; a sector has 32",
              [](const WarpRequestInput& input) { return pieces(input, 128); }),
      mistake("sectors_of_changes",
              "a sector counted where it is not the one of the lane before; a later lane may come back to it",
              [](const WarpRequestInput& input) { return changes(input, 32); }),
      mistake("sectors_in_32_bits", addresses_cut,
              [](const WarpRequestInput& input) { return pieces(cut(input), 32); })};
  return check;
}

Check fewest_sectors_check() {
  Check check =
      request_check("fewest_sectors", "the fewest sectors that could carry what a load of a warp asks for",
                    [](const WarpRequestInput& input) { return divided_up(pieces(input, 1), 32); });
  check.mistakes = {
      mistake("fewest_same_bytes_twice", "bytes that several lanes want counted for each; they come once",
              [](const WarpRequestInput& input) { return divided_up(bytes_of_all_lanes(input), 32); }),
      mistake("fewest_rounded_down", "rounded down; what is left over needs a sector, too",
              [](const WarpRequestInput& input) { return pieces(input, 1) / 32; },
              {[](const WarpRequestInput& input) { return bytes_of_all_lanes(input) / 32; },
               [](const WarpRequestInput& input) { return std::max<std::int64_t>(1, pieces(input, 1) / 32); },
               [](const WarpRequestInput& input) {
                 return std::max<std::int64_t>(1, bytes_of_all_lanes(input) / 32);
               }}),
      mistake("fewest_in_32_bits", addresses_cut,
              [](const WarpRequestInput& input) { return divided_up(pieces(cut(input), 1), 32); }),
      mistake("fewest_where_they_lie",
              "the sectors that the lanes touch; the fewest there could be, if the bytes lay side by side",
              [](const WarpRequestInput& input) { return pieces(input, 32); }),
      mistake("fewest_of_changes",
              "bytes left out only where the lane before wants them, too; any lane may want them",
              [](const WarpRequestInput& input) {
                return divided_up(changes(input, input.bytes_per_lane) * input.bytes_per_lane, 32);
              })};
  return check;
}

}  // namespace rung::check
