#include "chapters/13_simt/kernel_outcome.h"

#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "core/error.h"
#include "cuda/simt/profile/profile.h"

namespace rung {
namespace {

using check::KernelFault;
using check::KernelOutcome;

constexpr double sector = 32;  // bytes

KernelFault fault_of(simt::ProblemKind kind) {
  switch (kind) {
    case simt::ProblemKind::race:
      return KernelFault::race;
    case simt::ProblemKind::race_across_blocks:
      return KernelFault::race_across_blocks;
    case simt::ProblemKind::uninitialised_read:
      return KernelFault::uninitialised;
    case simt::ProblemKind::out_of_bounds:
      return KernelFault::out_of_bounds;
    case simt::ProblemKind::unwaited_copy:
    case simt::ProblemKind::misaligned:
      break;
  }
  return KernelFault::stopped;
}

/// The gravest of what the checker and the executor found.
void find_fault(const simt::Profile& profile, KernelOutcome& outcome) {
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) {
      if (fault_of(problem.kind) <= outcome.fault) continue;
      outcome.fault = fault_of(problem.kind);
      outcome.told = problem.message;
    }
  }
  if (profile.error.empty() || outcome.fault >= KernelFault::out_of_bounds) return;
  const bool missing = profile.error.find("does not name this lane") != std::string::npos ||
                       profile.error.find("does not take part") != std::string::npos;
  outcome.fault = missing ? KernelFault::missing_lane : KernelFault::stopped;
  outcome.told = profile.error;
}

void find_waste(const simt::Profile& profile, const Allowed& allowed, KernelOutcome& outcome) {
  const simt::KernelProfile total = profile.total();
  const auto& grid = profile.kernels.front().grid;
  const std::uint64_t blocks = std::uint64_t{grid[0]} * grid[1] * grid[2];
  const auto tell = [&](const std::string& words) {
    outcome.told += (outcome.told.empty() ? "all numbers are right, but " : ", and ") + words;
  };
  const simt::RequestCounts global = total.global();
  const simt::RequestCounts shared = total.shared();
  if (allowed.coalesced && global.units_over_ideal() > allowed.times_the_fewest) {
    outcome.scattered = true;
    tell(fmt::format("a request to global memory takes {:.1f} sectors where {:.1f} could carry its bytes",
                     global.units_per_request(), global.ideal_per_request()));
  }
  if (!allowed.conflicts && shared.units_over_ideal() > allowed.times_the_fewest) {
    outcome.conflicts = true;
    tell(fmt::format("shared memory takes {} wavefronts where {} would do", shared.units, shared.ideal));
  }
  if (allowed.read_bytes > 0 && static_cast<double>(total.dram_bytes_loaded) > allowed.read_bytes) {
    outcome.reread = true;
    tell(fmt::format("{} bytes are read where {:.0f} would do", total.dram_bytes_loaded, allowed.read_bytes));
  }
  const double asked = sector * static_cast<double>(global.ideal);
  if (allowed.asked_bytes > 0 && asked > allowed.asked_bytes) {
    outcome.reread = true;
    tell(fmt::format("{:.0f} bytes are asked of memory where {:.0f} would do", asked, allowed.asked_bytes));
  }
  // A lane that asks alone takes the one sector that it needs. That the next number takes it again shows here.
  const double moved = sector * static_cast<double>(total.l2_sectors);
  const auto different = static_cast<double>(profile.unique_bytes_loaded + profile.unique_bytes_stored);
  if (allowed.times_through_l2 > 0 && !outcome.scattered && !outcome.reread &&
      moved > allowed.times_through_l2 * different) {
    outcome.few_lanes = moved > allowed.times_the_fewest * static_cast<double>(global.bytes);
    outcome.reread = !outcome.few_lanes;
    tell(fmt::format(
        "{:.0f} bytes pass between L1 and L2, {:.1f} times the different ones{}", moved, moved / different,
        outcome.few_lanes ? fmt::format(": {:.1f} lanes of 32 ask at a time", global.lanes_per_request())
                          : ""));
  }
  if (global.requests > 0 && total.warp_exchanges < allowed.exchanges * blocks) {
    outcome.without_shuffles = true;
    tell(fmt::format("a block's warps do {} shuffles where {} are asked for", total.warp_exchanges / blocks,
                     allowed.exchanges));
  }
  if (allowed.barriers > 0 && total.block_barriers > allowed.barriers * blocks) {
    outcome.barriers = true;
    tell(fmt::format("a block passes {} barriers", total.block_barriers / blocks));
  }
  // Where no request is counted there are no hooks, and no instructions are counted either.
  if (allowed.tensor_instructions > 0 && global.requests > 0 &&
      total.tensor_instructions != allowed.tensor_instructions) {
    outcome.tensor = true;
    tell(fmt::format("{} instructions of the tensor cores run where the task asks for {}",
                     total.tensor_instructions, allowed.tensor_instructions));
  }
  if (!allowed.atomics && total.global_atomics.requests > 0) {
    outcome.atomics = true;
    tell(fmt::format("there are atomics, {} requests of warps", total.global_atomics.requests));
  }
}

}  // namespace

std::vector<double> from_device(simt::device_buffer<float>& buffer) {
  std::vector<float> numbers(buffer.size());
  buffer.download(std::span(numbers));
  return {numbers.begin(), numbers.end()};
}

KernelOutcome outcome_of(std::int64_t count, const Allowed& allowed,
                         const std::function<void(float*)>& launch) {
  simt::device_buffer<float> y =
      on_device<float>(std::vector<double>(static_cast<std::size_t>(count), KernelOutcome::untouched));
  // A number that a kernel loads twice in a row is there the second time; one of an earlier pass is not.
  constexpr std::size_t small_l2 = 1024;
  const simt::Profile profile = simt::profile(
      [&] {
        launch(y.data());
        simt::synchronize();
      },
      {.l2_bytes = small_l2});
  // Nothing was launched: the error is the host function's, or tells which limit a launch exceeds.
  if (profile.kernels.empty() && !profile.error.empty())
    throw Error(ErrorKind::bad_input, "{}", profile.error);
  KernelOutcome outcome;
  find_fault(profile, outcome);
  outcome.numbers = from_device(y);
  if (allowed.counted && outcome.fault == KernelFault::none && !profile.kernels.empty())
    find_waste(profile, allowed, outcome);
  return outcome;
}

}  // namespace rung
