#include "cuda/bench/bench.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/error.h"
#include "core/measure/clock.h"
#include "cuda/call_memory.h"

namespace rung::cuda {
namespace {

/// A problem in the device's memory.
class ResidentProblem {
 public:
  ResidentProblem(const check::Case& problem, BenchDevice& device)
      : device_(device), arrays_(problem, [&device](std::span<const std::byte> contents, std::size_t bytes) {
          std::byte* const place = device.allocate(bytes);
          if (!contents.empty()) device.upload(place, contents);
          return place;
        }) {
    for (const check::MutableTensor& output : arrays_.call().outputs)
      results_.emplace_back(static_cast<std::size_t>(output.rows() * output.row_stride) *
                            check::size_of(output.type));
  }
  ResidentProblem(const ResidentProblem&) = delete;
  ResidentProblem& operator=(const ResidentProblem&) = delete;

  check::Call call() const { return arrays_.call(); }

  /// One run on outputs that hold NaN, and what it wrote.
  const std::vector<std::vector<std::byte>>& results_of(const KernelRung& rung) {
    const check::Call call = this->call();
    for (std::size_t i = 0; i < results_.size(); ++i)
      device_.fill(call.outputs[i].data, results_[i].size(), std::byte{0xff});  // NaN in all three types
    rung.run(call, Memory::resident);
    for (std::size_t i = 0; i < results_.size(); ++i) device_.download(results_[i], call.outputs[i].data);
    return results_;
  }

 private:
  /// Gives the memory back, also where there was not room for all of it.
  struct Freed {
    BenchDevice& device;
    ~Freed() { device.free_all(); }
  };

  BenchDevice& device_;
  Freed freed_{device_};
  CallMemory arrays_;
  std::vector<std::vector<std::byte>> results_;
};

std::vector<double> timed_runs(const KernelRung& rung, const check::Call& call, BenchDevice& device,
                               const BenchEffort& effort) {
  std::vector<double> seconds;
  double sum = 0;
  seconds.reserve(static_cast<std::size_t>(effort.most_runs));
  const auto count = [&] { return static_cast<int>(seconds.size()); };
  while (count() < effort.least_runs || (count() < effort.most_runs && sum < effort.seconds)) {
    seconds.push_back(device.cold_seconds([&] { rung.run(call, Memory::resident); }));
    sum += seconds.back();
  }
  std::ranges::sort(seconds);
  return seconds;
}

RungTimes time_rung(const KernelRung& rung, ResidentProblem& problem, const RungJudge& judge,
                    BenchDevice& device, const BenchEffort& effort) {
  RungTimes times{.name = rung.name, .source = rung.source};
  try {
    const std::vector<std::vector<std::byte>> first = problem.results_of(rung);
    times.before = judge.judge(first);
    if (!times.before.passed) return times;  // how fast a wrong result comes is of no interest
    times.seconds = timed_runs(rung, problem.call(), device, effort);
    const std::vector<std::vector<std::byte>>& last = problem.results_of(rung);
    times.after = judge.judge(last);
    times.same_bits = first == last;
  } catch (const Error& error) {
    times.error = error.what();
  }
  return times;
}

/// As many rows as the oracle does in a second or two.
std::int64_t rows_for_oracle(const Work& work, const check::Case& problem) {
  const double flops_of_row = work.flops / static_cast<double>(problem.outputs.front().shape.front());
  return std::clamp(static_cast<std::int64_t>(2e8 / std::max(flops_of_row, 1.0)), std::int64_t{8},
                    std::int64_t{64});
}

}  // namespace

double RungTimes::median() const {
  return seconds.empty() ? 0 : measure::median(seconds);
}

LadderTimes time_ladder(const KernelLadder& ladder, const ProblemSize& size, check::NumberType type,
                        BenchDevice& device, const BenchEffort& effort) {
  const check::Op& op = *ladder.judged_by;
  const check::Case problem = draw_problem(op, size, type);
  LadderTimes times{.op = ladder.op, .description = size.description, .type = type};
  times.work = ladder.work(problem);
  times.rows_of_oracle = rows_for_oracle(times.work, problem);
  const RungJudge judge(op, size, problem, times.rows_of_oracle);

  const Bandwidth before = device.bandwidth();
  times.bandwidth = before;
  ResidentProblem resident(problem, device);
  for (const KernelRung& rung : ladder.rungs) {
    if (std::ranges::find(rung.types, type) == rung.types.end()) continue;
    times.rungs.push_back(time_rung(rung, resident, judge, device, effort));
    if (!times.rungs.back().error.empty())
      return times;  // after a fault a GPU does nothing more for this process
  }
  if (ladder.op == "linear") {
    if (const auto library = device.library_product(times.no_library))
      times.library.push_back(time_rung(*library, resident, judge, device, effort));
  }
  const Bandwidth after = device.bandwidth();
  times.bandwidth = {.copy = (before.copy + after.copy) / 2, .read = (before.read + after.read) / 2};
  return times;
}

bool all_right(const LadderTimes& times) {
  return !times.rungs.empty() && std::ranges::all_of(times.rungs, &RungTimes::right);
}

}  // namespace rung::cuda
