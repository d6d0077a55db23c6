// ./rung bench --gpu: every CUDA kernel of the course, timed on this machine's GPU. A program of its own, for nvcc compiles
// its kernels; the script at the top of the repository builds and runs it.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/program.h"
#include "core/error.h"
#include "cuda/bench/bench.h"
#include "cuda/bench/device.h"
#include "cuda/ladder.h"

namespace {

using namespace rung;
using namespace rung::cuda;

struct Options {
  std::string op;
  std::string type = "f16";
  bool json = false;
};

int run(const Options& options) {
  const auto type = check::number_type(options.type);
  if (!type) throw Error(ErrorKind::usage, "--dtype: expected f32, f16 or bf16, found '{}'", options.type);
  const KernelLadder* const wanted = options.op.empty() ? nullptr : &find_kernel_ladder(options.op);
  const std::unique_ptr<BenchDevice> device = open_gpu();
  const std::string description = device->description();
  if (!options.json) fmt::print("{}\n\n", description);

  bool right = true;
  std::vector<std::string> objects;
  for (const ProblemSize& size : model_sizes()) {
    const KernelLadder& ladder = find_kernel_ladder(size.op);
    if (wanted != nullptr && wanted != &ladder) continue;
    const LadderTimes times = time_ladder(ladder, size, *type, *device);
    right = right && all_right(times);
    if (options.json) {
      objects.push_back(to_json(times));
    } else {
      fmt::print("{}\n", to_text(times));
      std::fflush(stdout);  // an op takes seconds; what is known is shown
    }
  }
  if (options.json) {
    fmt::print("{{\"right\": {}, \"device\": \"{}\", \"ladders\": [{}]}}\n", right, description,
               fmt::join(objects, ",\n"));
  } else {
    fmt::print(
        "us: microseconds between CUDA events around a run's kernels; L2 is emptied before each run. GB/s: "
        "the "
        "bytes that the op\nmust move at least; of copy: of what our own copy kernel moves. budget: of the "
        "standard's, on some of the rows, against\nthe fp64 oracle, before the timed runs and after them; "
        "all "
        "other numbers must have been written, the same bits both times.\n");
  }
  return right ? exit_right : exit_failed;
}

int start(int argc, char** argv) {
  Command app("Every CUDA kernel of the course, timed on this machine's GPU.", "./rung bench --gpu");
  Options options;
  app.add_option("OP", options.op, "One op's kernels (add, swiglu, rmsnorm, …); all without it");
  app.add_option("--dtype", options.type, "f32, f16 or bf16")->capture_default_str();
  app.add_flag("--json", options.json, "One JSON object, with the time of every run");
  try {
    if (app.parse(argc, argv)) return run(options);
  } catch (const WrongArguments& wrong) {
    throw Error(ErrorKind::usage, "{}; ./rung bench --gpu --help tells more", wrong.what());
  }
  fmt::print("{}", app.help());
  return exit_right;
}

}  // namespace

int main(int argc, char** argv) {
  return rung::run_program([&] { return start(argc, argv); }, "bench --gpu: ");
}
