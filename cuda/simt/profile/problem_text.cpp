#include "cuda/simt/profile/problem_text.h"

#include <fmt/format.h>

namespace rung::simt::profiling {
namespace {

AccessKind kind_of(AccessType type) {
  switch (type) {
    case AccessType::load:
      return AccessKind::load;
    case AccessType::store:
      return AccessKind::store;
    case AccessType::atomic:
      return AccessKind::atomic;
    default:
      return AccessKind::async_copy;
  }
}

std::array<unsigned, 3> index_of(unsigned linear, const std::array<unsigned, 3>& extents) {
  return {linear % extents[0], linear / extents[0] % extents[1], linear / extents[0] / extents[1]};
}

ProblemAccess name_access(const Finding::Side& side, const KernelProfile& kernel, const SourceLines& lines) {
  return {.where = lines.of(side.place),
          .kind = kind_of(side.type),
          .block = index_of(side.block, kernel.grid),
          .thread = index_of(side.thread, kernel.block)};
}

std::string text_of(const std::array<unsigned, 3>& index) {
  return fmt::format("({}, {}, {})", index[0], index[1], index[2]);
}

std::string text_of(const SourceLine& where) {
  return where.file.empty() ? "an unknown line" : fmt::format("{}:{}", where.file, where.line);
}

std::string text_of(const ProblemAccess& access) {
  return fmt::format("{} at {} by thread {} of block {}", name_of(access.kind), text_of(access.where),
                     text_of(access.thread), text_of(access.block));
}

}  // namespace

Problem name_problem(const Finding& finding, const KernelProfile& kernel, const SourceLines& lines) {
  Problem problem;
  problem.kind = finding.kind;
  problem.kernel = kernel.name;
  problem.memory = finding.memory;
  problem.access = name_access(finding.access, kernel, lines);
  problem.has_other = finding.has_other;
  if (finding.has_other) {
    problem.other = name_access(finding.other, kernel, lines);
  }
  problem.times = finding.times;
  const std::string access = text_of(problem.access);
  const std::string other = finding.has_other ? text_of(problem.other) : "";
  const std::string begin = fmt::format("kernel {}: ", kernel.name);
  switch (finding.kind) {
    case ProblemKind::race:
      problem.message =
          fmt::format("race on {}: {}, and {}; no barrier orders them", finding.memory, access, other);
      break;
    case ProblemKind::race_across_blocks:
      problem.message =
          fmt::format("race between blocks on {}: {}, and {}; nothing orders blocks of a launch",
                      finding.memory, access, other);
      break;
    case ProblemKind::uninitialised_read:
      problem.message = fmt::format("read of what nobody has written, {}: {}", finding.memory, access);
      break;
    case ProblemKind::out_of_bounds:
      problem.message = fmt::format("out of bounds, {}{}{}: {}", finding.detail,
                                    finding.detail.empty() ? "" : " at ", finding.memory, access);
      break;
    case ProblemKind::unwaited_copy:
      problem.message = finding.has_other
                            ? fmt::format("{} is still being copied to: {}, and {} was not waited for",
                                          finding.memory, access, other)
                            : fmt::format("copy to {} was never waited for: {}", finding.memory, access);
      break;
    case ProblemKind::misaligned:
      problem.message = fmt::format("misaligned, {}: {}", finding.memory, access);
      break;
  }
  problem.message = begin + problem.message;
  return problem;
}

}  // namespace rung::simt::profiling
