#include "cuda/report/measure.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "core/check/check.h"
#include "core/check/number_type.h"
#include "core/error.h"
#include "cuda/call_memory.h"
#include "cuda/report/occupancy.h"

namespace rung::cuda {
namespace {

/// Memory of the host for a case. The kernel works on copies in device buffers.
class MeasuredCall {
 public:
  explicit MeasuredCall(const check::Case& problem)
      : arrays_(problem, [this](std::span<const std::byte> contents, std::size_t bytes) {
          std::vector<std::byte>& one = memory_.emplace_back(contents.begin(), contents.end());
          one.resize(bytes);
          return one.data();
        }) {}
  MeasuredCall(const MeasuredCall&) = delete;
  MeasuredCall& operator=(const MeasuredCall&) = delete;

  check::Call call() const { return arrays_.call(); }

 private:
  std::vector<std::vector<std::byte>> memory_;  // made before what lies in it
  CallMemory arrays_;
};

constexpr double sector_bytes = 32;

/// The checker on the first case of each of the op's problems; where it finds something, the first of them alone.
void check_shapes(const KernelLadder& ladder, const KernelRung& rung, check::NumberType type,
                  RungMeasure& measured) {
  const check::Op& op = *ladder.judged_by;
  for (std::size_t i = 0; i < op.problems.size(); ++i) {
    const check::Case problem = check::draw_cases(op, type, i, check::default_seed).front();
    const MeasuredCall memory(problem);
    simt::Profile found = simt::profile([&] { rung.run(memory.call(), Memory::of_the_device); });
    if (found.quiet()) continue;
    measured.checked = problem.description;
    measured.findings = std::move(found);
    return;
  }
}

bool is_safe(const simt::Profile& profile) {
  return profile.error.empty() &&
         std::ranges::none_of(profile.kernels, [](const simt::KernelProfile& kernel) {
           return std::ranges::any_of(kernel.problems, [](const simt::Problem& problem) {
             return problem.kind == simt::ProblemKind::out_of_bounds;
           });
         });
}

}  // namespace

double RungMeasure::l2_over_least() const {
  return static_cast<double>(total.l2_sectors) * sector_bytes / work.bytes;
}

double RungMeasure::dram_over_least() const {
  return static_cast<double>(total.dram_bytes()) / work.bytes;
}

std::optional<RungFacts> facts_of(const StaticFacts& facts, const KernelRung& rung, check::NumberType type,
                                  const simt::DeviceDescription& device, const simt::Profile& profile) {
  const auto belongs = [&](const std::string& symbol) {
    return rung.kernels.empty() || std::ranges::any_of(rung.kernels, [&](const std::string& kernel) {
             return is_kernel(symbol, kernel, type);
           });
  };
  RungFacts worst{.occupancy = 1};
  bool found = false;
  for (const KernelFacts& one : facts.kernels) {
    if (one.architecture != device.compute_capability || !belongs(one.symbol)) continue;
    found = true;
    worst.registers = std::max(worst.registers, one.registers);
    worst.spilled_bytes = std::max(worst.spilled_bytes, one.spill_stores + one.spill_loads);
    // Which launch is which kernel is not known: each is taken to be launched as the largest of them is.
    for (const simt::KernelProfile& launch : profile.kernels) {
      const unsigned threads = launch.block[0] * launch.block[1] * launch.block[2];
      const std::size_t shared = launch.dynamic_shared_bytes + static_cast<std::size_t>(one.shared_bytes);
      const unsigned blocks = occupancy_blocks(device, threads, shared, static_cast<unsigned>(one.registers));
      worst.occupancy = std::min(worst.occupancy, static_cast<double>(blocks) * threads / device.max_threads);
    }
  }
  if (!found) return std::nullopt;
  for (const PtxCounts& one : facts.ptx) {
    if (!belongs(one.symbol)) continue;
    worst.mma += one.mma;
    worst.ldmatrix += one.ldmatrix;
    worst.cp_async += one.cp_async;
    worst.loads_of_16_bytes += one.loads_of_16_bytes;
  }
  return worst;
}

Bound bound_of(const simt::KernelProfile& total, const Work& work, check::NumberType type,
               const simt::DeviceDescription& device) {
  // An SM of 8.0 multiplies and adds 64 fp32 numbers in a cycle, one of 8.9 and 9.0 128.
  const double multiply_adds_per_cycle = device.compute_capability == 80 ? 64 : 128;
  const double wavefronts_per_second =
      device.fp32_flops / (2 * multiply_adds_per_cycle);  // one per SM and cycle
  const bool tensor = work.tensor_cores && type != check::NumberType::f32 && total.tensor_instructions > 0;
  const Bound bounds[] = {
      {static_cast<double>(total.dram_bytes()) / device.dram_bytes_per_second, "memory"},
      {static_cast<double>(total.shared().units) / wavefronts_per_second, "shared memory"},
      {work.flops / (tensor ? device.half_tensor_flops : device.fp32_flops), "arithmetic"}};
  return *std::ranges::max_element(bounds, {}, &Bound::seconds);
}

RungMeasure measure(const KernelLadder& ladder, const KernelRung& rung, const MeasureOptions& options) {
  if (std::ranges::find(rung.types, options.type) == rung.types.end())
    throw Error(ErrorKind::usage, "{}: has no kernel for {}", rung.source, check::name(options.type));
  const simt::DeviceDescription& device =
      options.device != nullptr ? *options.device : simt::device_descriptions().front();
  RungMeasure measured;
  measured.rung = &rung;
  measured.type = options.type;
  const check::Case problem = ladder.measured(options.type);
  measured.work = ladder.work(problem);
  const MeasuredCall memory(problem);
  measured.profile =
      simt::profile([&] { rung.run(memory.call(), Memory::of_the_device); }, {.device = &device});
  measured.total = measured.profile.total();
  if (options.check_shapes) check_shapes(ladder, rung, options.type, measured);
  // On the harness's memory nothing stops a kernel that writes where it must not.
  if (options.judge && is_safe(measured.profile) && is_safe(measured.findings)) {
    const check::Candidate candidate = candidate_of(ladder, rung);
    measured.verdict = options.problems != nullptr ? check::check(*options.problems, candidate)
                                                   : check::check(*ladder.judged_by, options.type, candidate);
  }
  if (options.facts != nullptr)
    measured.facts = facts_of(*options.facts, rung, options.type, device, measured.profile);
  measured.bound = bound_of(measured.total, measured.work, options.type, device);
  return measured;
}

}  // namespace rung::cuda
