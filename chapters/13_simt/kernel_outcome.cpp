#include "chapters/13_simt/kernel_outcome.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

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

/// Whether both of its accesses are by threads of one warp.
bool within_warp(const simt::KernelProfile& kernel, const simt::Problem& problem) {
  const auto warp_of = [&](const simt::ProblemAccess& access) {
    const auto& [x, y, z] = access.thread;
    return (x + kernel.block[0] * (y + kernel.block[1] * z)) / 32;
  };
  return problem.has_other && warp_of(problem.access) == warp_of(problem.other);
}

/// The gravest of what the checker and the executor found.
void find_fault(const simt::Profile& profile, KernelOutcome& outcome) {
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) {
      // Of races those between warps, which a barrier of the block is for.
      if (fault_of(problem.kind) == outcome.fault)
        outcome.in_warp = outcome.in_warp && within_warp(kernel, problem);
      if (fault_of(problem.kind) <= outcome.fault) continue;
      outcome.in_warp = problem.kind == simt::ProblemKind::race && within_warp(kernel, problem);
      outcome.fault = fault_of(problem.kind);
      outcome.by_store =
          outcome.fault == KernelFault::out_of_bounds && problem.access.kind == simt::AccessKind::store;
      outcome.told = problem.message;
    }
  }
  if (profile.error.empty() || outcome.fault >= KernelFault::out_of_bounds) return;
  const bool missing = profile.error.find("does not name this lane") != std::string::npos ||
                       profile.error.find("does not take part") != std::string::npos ||
                       profile.error.find("needs all 32 lanes") != std::string::npos;
  outcome.fault = missing ? KernelFault::missing_lane : KernelFault::stopped;
  outcome.in_warp = false;
  outcome.told = profile.error;
}

/// Adds what is wrong to what has been told of a kernel.
void tell(KernelOutcome& outcome, std::string_view words) {
  outcome.told += (outcome.told.empty() ? "all numbers are right, but " : ", and ") + std::string(words);
}

bool exceeds(double value, double limit) {
  return limit > 0 && value > limit;
}

/// Whether the last launch reads more different bytes than are left for it.
bool reads_too_much(const simt::KernelProfile& last, const Allowed& allowed) {
  return exceeds(static_cast<double>(last.unique_bytes_loaded), allowed.last_reads_bytes);
}

std::uint64_t blocks_of(const simt::KernelProfile& kernel) {
  return std::uint64_t{kernel.grid[0]} * kernel.grid[1] * kernel.grid[2];
}

std::uint64_t warps_of(const simt::KernelProfile& kernel) {
  const std::uint64_t threads = std::uint64_t{kernel.block[0]} * kernel.block[1] * kernel.block[2];
  return blocks_of(kernel) * ((threads + 31) / 32);
}

/// More bytes are moved than the task allows: because few lanes ask at a time, each for a sector of its own, or because
/// they ask again for what they have had. A lane that asks alone takes the one sector that it needs; that the next
/// number takes it again shows here.
void find_too_much(double moved, const std::string& words, const simt::RequestCounts& global,
                   KernelOutcome& outcome) {
  constexpr double times_the_bytes = 1.5;  // of what the lanes ask for, which neighbours would share
  outcome.few_lanes = moved > times_the_bytes * static_cast<double>(global.bytes);
  outcome.reread = !outcome.few_lanes;
  tell(outcome, words);
  if (outcome.few_lanes)
    outcome.told += fmt::format(": {:.1f} lanes of 32 ask at a time", global.lanes_per_request());
}

/// Of one that reads what was left for it: one that reads more is not the launch that the task means.
void find_waste_of_last_launch(const simt::KernelProfile& last, const Allowed& allowed,
                               KernelOutcome& outcome) {
  const simt::RequestCounts global = last.global();
  const double asked = sector * static_cast<double>(global.ideal);
  const bool found = outcome.few_lanes || outcome.reread || reads_too_much(last, allowed);
  if (found || !exceeds(asked, allowed.last_asked_bytes)) return;
  find_too_much(asked,
                fmt::format("the last launch asks for {:.0f} bytes of memory where the task allows {:.0f}",
                            asked, allowed.last_asked_bytes),
                global, outcome);
}

void find_waste_of_global_memory(const simt::Profile& profile, const simt::KernelProfile& total,
                                 const Allowed& allowed, KernelOutcome& outcome) {
  const simt::RequestCounts global = total.global();
  if (exceeds(global.units_over_ideal(), allowed.times_the_fewest_sectors)) {
    outcome.scattered = true;
    tell(outcome,
         fmt::format("a request to global memory takes {:.1f} sectors where {:.1f} could carry its bytes",
                     global.units_per_request(), global.ideal_per_request()));
  }
  if (exceeds(static_cast<double>(total.dram_bytes_loaded), allowed.read_bytes)) {
    outcome.reread = true;
    tell(outcome,
         fmt::format("{} bytes are read where {:.0f} would do", total.dram_bytes_loaded, allowed.read_bytes));
  }
  const double asked = sector * static_cast<double>(global.ideal);
  if (exceeds(asked, allowed.asked_bytes))
    find_too_much(asked,
                  fmt::format("{:.0f} bytes are asked of memory where the task allows {:.0f}", asked,
                              allowed.asked_bytes),
                  global, outcome);
  find_waste_of_last_launch(profile.kernels.back(), allowed, outcome);
  const auto stored = static_cast<double>(total.global_stores.bytes);
  if (exceeds(stored, allowed.stored_bytes)) {
    outcome.stores_again = true;
    tell(outcome, fmt::format("{:.0f} bytes are stored where {:.0f} would do", stored, allowed.stored_bytes));
  }
  const double moved = sector * static_cast<double>(total.l2_sectors);
  const auto different = static_cast<double>(profile.unique_bytes_loaded + profile.unique_bytes_stored);
  if (!outcome.scattered && !outcome.reread && exceeds(moved, allowed.times_through_l2 * different))
    find_too_much(moved,
                  fmt::format("{:.0f} bytes pass between L1 and L2, {:.1f} times the different ones", moved,
                              moved / different),
                  global, outcome);
  if (!allowed.atomics && total.global_atomics.requests > 0) {
    outcome.atomics = true;
    tell(outcome, fmt::format("there are atomics, {} requests of warps", total.global_atomics.requests));
  }
}

void find_waste_of_shared_memory(const simt::KernelProfile& total, const Allowed& allowed,
                                 KernelOutcome& outcome) {
  const simt::RequestCounts shared = total.shared();
  if (exceeds(shared.units_over_ideal(), allowed.times_the_fewest_wavefronts)) {
    outcome.conflicts = true;
    tell(outcome,
         fmt::format("shared memory takes {} wavefronts where {} would do", shared.units, shared.ideal));
  }
  if (!allowed.shared && shared.bytes > 0) {
    outcome.through_shared = true;
    tell(outcome, fmt::format("{} bytes are stored in shared memory or loaded there", shared.bytes));
  }
  const auto through = static_cast<double>(std::min(total.shared_stores.bytes, total.shared_loads.bytes));
  if (through < allowed.tile_bytes) {
    outcome.without_tile = true;
    tell(outcome, fmt::format("{:.0f} bytes go through shared memory where the task asks for {:.0f}", through,
                              allowed.tile_bytes));
  }
  const auto stored = static_cast<double>(total.shared_stores.bytes);
  if (exceeds(stored, allowed.tile_bytes_at_most)) {
    outcome.fills_again = true;
    tell(outcome, fmt::format("{:.0f} bytes are stored in shared memory where the task allows {:.0f}", stored,
                              allowed.tile_bytes_at_most));
  }
}

/// Whether warps and blocks work together as the task asks.
void find_missing_work(const simt::KernelProfile& total, std::uint64_t blocks, const Allowed& allowed,
                       KernelOutcome& outcome) {
  if (total.warp_exchanges < allowed.exchanges * blocks) {
    outcome.without_shuffles = true;
    tell(outcome, fmt::format("a block's warps do {} shuffles where {} are asked for",
                              total.warp_exchanges / blocks, allowed.exchanges));
  }
  if (allowed.barriers > 0 && total.block_barriers > allowed.barriers * blocks) {
    outcome.barriers = true;
    tell(outcome, fmt::format("a block passes {} barriers", total.block_barriers / blocks));
  }
  if (allowed.tensor_instructions > 0 && total.tensor_instructions != allowed.tensor_instructions) {
    outcome.tensor = true;
    tell(outcome, fmt::format("{} instructions of the tensor cores run where the task asks for {}",
                              total.tensor_instructions, allowed.tensor_instructions));
  }
}

/// Whether the work is divided into blocks and launches as the task asks.
void find_missing_division(const simt::Profile& profile, const Allowed& allowed, KernelOutcome& outcome) {
  std::uint64_t most = 0;
  std::uint64_t warps = 0, loading = 0;
  for (const simt::KernelProfile& kernel : profile.kernels) {
    most = std::max(most, kernel.storing_blocks);
    warps += warps_of(kernel);
    loading += kernel.loading_warps;
  }
  if (static_cast<double>(loading) < allowed.loading_warps * static_cast<double>(warps)) {
    outcome.few_warps = true;
    tell(outcome, fmt::format("{} of {} warps load something, and the others wait for them", loading, warps));
  }
  if (most < allowed.blocks) {
    outcome.few_blocks = true;
    tell(outcome, fmt::format("in no launch more than {} blocks store something, and the task asks for {}",
                              most, allowed.blocks));
  }
  const simt::KernelProfile& last = profile.kernels.back();
  if (reads_too_much(last, allowed)) {
    outcome.last_reads_more = true;
    tell(outcome, fmt::format("the last launch reads {} different bytes, and {:.0f} are left for it",
                              last.unique_bytes_loaded, allowed.last_reads_bytes));
  }
}

void find_waste(const simt::Profile& profile, const Allowed& allowed, KernelOutcome& outcome) {
  const simt::KernelProfile total = profile.total();
  if (total.global().requests == 0) return;  // there are no hooks
  find_waste_of_global_memory(profile, total, allowed, outcome);
  find_waste_of_shared_memory(total, allowed, outcome);
  find_missing_work(total, blocks_of(profile.kernels.front()), allowed, outcome);
  find_missing_division(profile, allowed, outcome);
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
