#include <fmt/format.h>

#include "core/check/check.h"

namespace rung::check {
namespace {

/// Mixes a number into a seed, so that neighbouring seeds, types and problems get streams of their own.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  return Random(seed ^ Random(number).bits()).bits();
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

std::vector<Case> draw_cases(const Op& op, NumberType type, std::size_t problem, std::uint64_t seed) {
  const Problem& from = op.problems.at(problem);
  const std::uint64_t group_seed = mixed(mixed(mixed(seed, hash_of(op.name)), hash_of(name(type))), problem);
  std::vector<Case> cases;
  for (int draw = 0; draw < from.draws; ++draw) {
    // 32 bits are enough to tell draws apart and short enough to be read.
    const std::uint64_t own_seed = mixed(group_seed, static_cast<std::uint64_t>(draw)) >> 32;
    Random random(own_seed);
    Case drawn = from.draw(type, random);
    drawn.op = op.name;
    drawn.type = type;
    drawn.name = from.draws == 1 ? fmt::format("{}-{}-{:02}", op.name, name(type), problem)
                                 : fmt::format("{}-{}-{:02}-{:02}", op.name, name(type), problem, draw);
    drawn.description = from.description;
    drawn.seed = own_seed;
    drawn.group = static_cast<int>(problem);
    cases.push_back(std::move(drawn));
  }
  return cases;
}

std::vector<Case> all_cases(const Op& op, NumberType type, std::uint64_t seed) {
  std::vector<Case> cases;
  for (Probe& probe : op.probes(type)) cases.push_back(std::move(probe.problem));
  for (std::size_t p = 0; p < op.problems.size(); ++p) {
    for (Case& drawn : draw_cases(op, type, p, seed)) cases.push_back(std::move(drawn));
  }
  return cases;
}

}  // namespace rung::check
