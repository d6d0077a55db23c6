#include "cuda/simt/report.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rung::simt {

bool same_place(const Where& a, const Where& b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

namespace detail {

namespace {

std::string index_text(uint3 index) {
  return fmt::format("({}, {}, {})", index.x, index.y, index.z);
}

const char* barrier_name(Barrier kind) {
  switch (kind) {
    case Barrier::plain:
      return "__syncthreads";
    case Barrier::count:
      return "__syncthreads_count";
    case Barrier::all:
      return "__syncthreads_and";
    case Barrier::any:
      break;
  }
  return "__syncthreads_or";
}

std::string reason(const Thread& thread) {
  return thread.activity == Activity::at_barrier
             ? fmt::format("at {}", barrier_text(thread.barrier, thread.where))
             : fmt::format("in {}", collective_text(thread));
}

/// "0-3, 7".
std::string ranges(const std::vector<unsigned>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ", ";
    text += last > i ? fmt::format("{}-{}", numbers[i], numbers[last]) : std::to_string(numbers[i]);
    i = last + 1;
  }
  return text;
}

/// "lane 3", "lanes 0-3, 7".
std::string lanes_text(unsigned lanes) {
  std::vector<unsigned> numbers;
  for (unsigned left = lanes; left != 0; left &= left - 1)
    numbers.push_back(static_cast<unsigned>(std::countr_zero(left)));
  return fmt::format("{} {}", numbers.size() == 1 ? "lane" : "lanes", ranges(numbers));
}

}  // namespace

std::string mask_text(unsigned mask) {
  return fmt::format("0x{:08x}", mask);
}

std::string block_text(uint3 index) {
  return index_text(index);
}

std::string thread_text(uint3 index) {
  return fmt::format("thread {}", index_text(index));
}

std::string place_text(std::string_view given) {
  constexpr std::string_view root = RUNG_SOURCE_DIR "/";
  const std::string normal = std::filesystem::path(given).lexically_normal().string();
  std::string_view place = normal;
  if (place.starts_with(root)) {
    place.remove_prefix(root.size());
    return std::string(place);
  }
  // An object that a compiler's cache has kept from another checkout: the same file in this one.
  const std::string_view file = place.substr(0, place.rfind(':'));
  for (std::size_t slash = file.find('/', 1); slash != std::string_view::npos;
       slash = file.find('/', slash + 1)) {
    std::error_code unreadable;
    if (std::filesystem::exists(std::filesystem::path(root) / file.substr(slash + 1), unreadable)) {
      return std::string(place.substr(slash + 1));
    }
  }
  // A compiler that was given paths from the build folder (ccache does that) says how to come from there.
  while (place.starts_with("../")) place.remove_prefix(3);
  return std::string(place);
}

std::string place_text(Where where) {
  return place_text(fmt::format("{}:{}", where.file, where.line));
}

std::string barrier_text(Barrier kind, Where where) {
  return fmt::format("{} at {}", barrier_name(kind), place_text(where));
}

std::string collective_text(const Thread& thread) {
  return fmt::format("{} with mask {} at {}", thread.collective->name, mask_text(thread.mask),
                     place_text(thread.where));
}

std::string missing_text(unsigned returned, unsigned not_in_block) {
  std::string text;
  if (returned != 0)
    text =
        fmt::format("{} {} returned", lanes_text(returned), std::has_single_bit(returned) ? "has" : "have");
  if (not_in_block != 0)
    text += fmt::format("{}the block has no {}", text.empty() ? "" : ", and ", lanes_text(not_in_block));
  return text;
}

std::string waiting_text(std::span<const Thread> threads) {
  constexpr std::size_t most = 6;
  std::vector<std::pair<std::string, std::vector<unsigned>>> groups;
  std::size_t more = 0;
  for (const Thread& thread : threads) {
    if (thread.activity != Activity::at_barrier && thread.activity != Activity::in_collective) continue;
    const std::string why = reason(thread);
    std::size_t i = 0;
    while (i < groups.size() && groups[i].first != why) ++i;
    if (i == groups.size()) {
      if (i == most) {
        ++more;
        continue;
      }
      groups.push_back({why, {}});
    }
    groups[i].second.push_back(thread.index);
  }
  std::string text;
  for (const auto& [why, who] : groups) {
    text += fmt::format("{}{} {} {} {}", text.empty() ? "" : "; ", who.size() == 1 ? "thread" : "threads",
                        ranges(who), who.size() == 1 ? "waits" : "wait", why);
  }
  if (more != 0) text += fmt::format("; {} more threads elsewhere", more);
  return text;
}

}  // namespace detail
}  // namespace rung::simt
