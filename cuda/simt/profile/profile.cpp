#include "cuda/simt/profile/profile.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "core/error.h"
#include "cuda/simt/profile/recorder.h"

namespace rung::simt {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <typename Number>
Number round_up(Number value, Number unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

unsigned resident_blocks(const DeviceDescription& device, unsigned threads, std::size_t shared_bytes,
                         unsigned registers) {
  constexpr std::size_t reserved_per_block = 1024;  // of shared memory, by the system
  constexpr std::size_t shared_at_once = 128;       // given to a block in such pieces
  constexpr unsigned registers_at_once = 256;       // given to a warp in such pieces
  constexpr unsigned partitions = 4;  // of an SM, each with its own registers for the warps that it runs
  const unsigned warps = std::max(1U, (threads + 31) / 32);
  unsigned blocks = std::min(device.max_blocks, device.max_threads / (32 * warps));
  const std::size_t shared = round_up(shared_bytes + reserved_per_block, shared_at_once);
  blocks = std::min(blocks, static_cast<unsigned>(device.shared_bytes / shared));
  if (registers != 0) {
    const unsigned of_a_warp = round_up(32 * registers, registers_at_once);
    blocks = std::min(blocks, device.registers / partitions / of_a_warp * partitions / warps);
  }
  return std::max(1U, blocks);
}

RequestCounts& RequestCounts::operator+=(const RequestCounts& other) {
  requests += other.requests;
  lanes += other.lanes;
  bytes += other.bytes;
  units += other.units;
  ideal += other.ideal;
  return *this;
}

double RequestCounts::units_per_request() const {
  return ratio(units, requests);
}
double RequestCounts::ideal_per_request() const {
  return ratio(ideal, requests);
}
double RequestCounts::lanes_per_request() const {
  return ratio(lanes, requests);
}
double RequestCounts::units_over_ideal() const {
  return ideal == 0 ? 1 : ratio(units, ideal);
}

RequestCounts KernelProfile::global() const {
  RequestCounts sum = global_loads;
  sum += global_stores;
  sum += global_atomics;
  return sum;
}

RequestCounts KernelProfile::shared() const {
  RequestCounts sum = shared_loads;
  sum += shared_stores;
  sum += shared_atomics;
  return sum;
}

double KernelProfile::active_lanes() const {
  return steps == 0 ? 32 : ratio(lane_steps, steps);
}

bool Profile::quiet() const {
  return error.empty() && std::all_of(kernels.begin(), kernels.end(),
                                      [](const KernelProfile& kernel) { return kernel.problems.empty(); });
}

KernelProfile Profile::total() const {
  KernelProfile sum;
  sum.name = "total";
  for (const KernelProfile& kernel : kernels) {
    sum.global_loads += kernel.global_loads;
    sum.global_stores += kernel.global_stores;
    sum.global_atomics += kernel.global_atomics;
    sum.shared_loads += kernel.shared_loads;
    sum.shared_stores += kernel.shared_stores;
    sum.shared_atomics += kernel.shared_atomics;
    sum.atomic_collisions += kernel.atomic_collisions;
    sum.loading_warps += kernel.loading_warps;
    sum.storing_blocks += kernel.storing_blocks;
    sum.l2_sectors += kernel.l2_sectors;
    sum.l2_bytes = std::max(sum.l2_bytes, kernel.l2_bytes);
    sum.dram_bytes_loaded += kernel.dram_bytes_loaded;
    sum.dram_bytes_stored += kernel.dram_bytes_stored;
    sum.block_barriers += kernel.block_barriers;
    sum.warp_syncs += kernel.warp_syncs;
    sum.warp_exchanges += kernel.warp_exchanges;
    sum.matrix_loads += kernel.matrix_loads;
    sum.tensor_instructions += kernel.tensor_instructions;
    sum.steps += kernel.steps;
    sum.lane_steps += kernel.lane_steps;
    sum.lines.insert(sum.lines.end(), kernel.lines.begin(), kernel.lines.end());
    sum.events.insert(sum.events.end(), kernel.events.begin(), kernel.events.end());
    sum.problems.insert(sum.problems.end(), kernel.problems.begin(), kernel.problems.end());
    sum.problems_left_out += kernel.problems_left_out;
  }
  sum.unique_bytes_loaded = unique_bytes_loaded;
  sum.unique_bytes_stored = unique_bytes_stored;
  return sum;
}

Profile profile(const std::function<void()>& launches, const ProfileOptions& options) {
  profiling::Recorder recorder(options);
  std::string error;
  try {
    launches();
  } catch (const Error& e) {
    error = e.what();
  }
  Profile result = recorder.take();
  if (!error.empty() && !result.kernels.empty()) {
    // Threads that were stopped could not wait for their copies any more.
    std::erase_if(result.kernels.back().problems, [](const Problem& problem) {
      return problem.kind == ProblemKind::unwaited_copy && !problem.has_other;
    });
  }
  result.error = std::move(error);
  return result;
}

std::vector<AnnotatedLine> annotate(const std::vector<KernelProfile>& kernels, const std::string& file) {
  std::map<int, std::vector<LineCounts>> counts;
  for (const KernelProfile& kernel : kernels) {
    for (const LineCounts& line : kernel.lines) {
      if (line.where.file != file) {
        continue;
      }
      std::vector<LineCounts>& here = counts[line.where.line];
      const auto same = std::find_if(here.begin(), here.end(), [&](const LineCounts& other) {
        return other.space == line.space && other.kind == line.kind &&
               other.bytes_per_lane == line.bytes_per_lane;
      });
      if (same == here.end()) {
        here.push_back(line);
      } else {
        same->counts += line.counts;
        same->collisions += line.collisions;
      }
    }
  }
  if (counts.empty()) {
    return {};
  }
  const std::string path = file.starts_with('/') ? file : std::string(RUNG_SOURCE_DIR) + "/" + file;
  std::ifstream source(path);
  if (!source) {
    throw Error(ErrorKind::bad_input, "{}: cannot be read", path);
  }
  std::vector<AnnotatedLine> lines;
  std::string text;
  for (int number = 1; std::getline(source, text); ++number) {
    if (number < counts.begin()->first - 2 || number > counts.rbegin()->first + 2) {
      continue;
    }
    const auto found = counts.find(number);
    lines.push_back({.line = number,
                     .text = text,
                     .counts = found == counts.end() ? std::vector<LineCounts>{} : found->second});
  }
  return lines;
}

std::string_view name_of(MemorySpace space) {
  return space == MemorySpace::global ? "global" : "shared";
}

std::string_view name_of(AccessKind kind) {
  switch (kind) {
    case AccessKind::load:
      return "load";
    case AccessKind::store:
      return "store";
    case AccessKind::atomic:
      return "atomic";
    case AccessKind::async_copy:
      break;
  }
  return "cp.async";
}

std::string_view name_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::race:
      return "race";
    case ProblemKind::race_across_blocks:
      return "race between blocks";
    case ProblemKind::uninitialised_read:
      return "uninitialised read";
    case ProblemKind::out_of_bounds:
      return "out of bounds";
    case ProblemKind::unwaited_copy:
      return "copy not waited for";
    case ProblemKind::misaligned:
      break;
  }
  return "misaligned";
}

}  // namespace rung::simt
