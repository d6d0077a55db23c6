// What times kernels on a GPU, on a device that is none: the executor runs the kernels, and the clock is made up.

#include "cuda/bench/bench.h"

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "cuda/bench/problems.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

namespace {

/// The host's memory, and runs that take a microsecond more each time.
class NoGpu final : public BenchDevice {
 public:
  int allocated() const { return static_cast<int>(memory_.size()); }
  int timed = 0;

  std::string description() const override { return "no GPU"; }
  std::byte* allocate(std::size_t bytes) override {
    return memory_.emplace_back(std::make_unique<std::byte[]>(bytes)).get();
  }
  void free_all() override { memory_.clear(); }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    std::memcpy(to, from.data(), from.size());
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    std::memcpy(to.data(), from, to.size());
  }
  void fill(std::byte* to, std::size_t bytes, std::byte value) override {
    std::memset(to, static_cast<int>(value), bytes);
  }
  double cold_seconds(const std::function<void()>& run) override {
    run();
    return 1e-6 * ++timed;
  }
  Bandwidth bandwidth() override { return {.copy = 4e9, .read = 5e9}; }
  std::optional<KernelRung> library_product(std::string& missing) override {
    missing = "there is none here";
    return std::nullopt;
  }

 private:
  std::vector<std::unique_ptr<std::byte[]>> memory_;
};

constexpr BenchEffort short_effort{.least_runs = 3, .most_runs = 3, .seconds = 0};

/// The op's first size, made small.
ProblemSize small(const std::string& op) {
  const std::map<std::string, double> extents = {{"rows", 24}, {"n", 96}, {"tokens", 24}, {"M", 33},
                                                 {"N", 40},    {"K", 64}, {"T", 24},      {"S", 24},
                                                 {"H", 4},     {"G", 2},  {"D", 64},      {"V", 16}};
  const std::map<std::string, std::string> axis = {{"rows", "R"}, {"n", "N"}, {"tokens", "T"}};
  for (ProblemSize size : model_sizes()) {
    if (size.op != op) continue;
    for (check::Param& param : size.params) {
      const auto extent = extents.find(param.name);
      if (extent == extents.end()) continue;
      param.value = extent->second;
      const auto other = axis.find(param.name);
      size.extents[other == axis.end() ? param.name : other->second] =
          static_cast<std::int64_t>(extent->second);
    }
    if (size.extents.contains("V")) size.extents["V"] = 16;
    return size;
  }
  throw Error(ErrorKind::usage, "no size for {}", op);
}

/// The ladder of add with one rung, which calls `wrong` after the last rung's kernel with the number of its call, from 1.
KernelLadder add_with(std::function<void(const check::Call&, int)> wrong) {
  KernelLadder ladder = find_kernel_ladder("add");
  KernelRung rung = ladder.rungs.back();
  rung.run = [run = rung.run, wrong = std::move(wrong), calls = std::make_shared<int>(0)](
                 const check::Call& call, Memory memory) {
    run(call, memory);
    wrong(call, ++*calls);
  };
  ladder.rungs = {rung};
  return ladder;
}

RungTimes only_rung(const KernelLadder& ladder, NoGpu& device) {
  LadderTimes times = time_ladder(ladder, small("add"), check::NumberType::f32, device, short_effort);
  REQUIRE(times.rungs.size() == 1);
  CHECK(all_right(times) == times.rungs[0].right());
  return times.rungs[0];
}

}  // namespace

TEST_CASE("every ladder has a size to be timed at, and every rung is right there before and after") {
  for (const KernelLadder& ladder : kernel_ladders()) {
    for (const check::NumberType type : {check::NumberType::f32, check::NumberType::f16}) {
      NoGpu device;
      const LadderTimes times = time_ladder(ladder, small(ladder.op), type, device, short_effort);
      INFO(to_text(times));
      CHECK(all_right(times));
      CHECK(times.rungs.size() >= 2);
      CHECK(device.timed == 3 * static_cast<int>(times.rungs.size()));
      CHECK(device.allocated() == 0);
      if (ladder.op == "linear") CHECK(times.rungs[0].after.percent > 0);  // sums round; a copy does not
    }
  }
}

TEST_CASE("a kernel that is wrong at once is not timed, one that is wrong later is found after timing") {
  NoGpu device;
  const auto spoil = [](const check::Call& call) {
    reinterpret_cast<float*>(call.outputs[0].data)[5] += 1;  // of the first row, which the oracle is asked of
  };
  const RungTimes at_once = only_rung(add_with([&](const check::Call& call, int) { spoil(call); }), device);
  CHECK_FALSE(at_once.before.passed);
  CHECK(at_once.seconds.empty());
  CHECK(device.timed == 0);

  const RungTimes later = only_rung(add_with([&](const check::Call& call, int number) {
                                      if (number > 2) spoil(call);
                                    }),
                                    device);
  CHECK(later.before.passed);
  CHECK_FALSE(later.after.passed);
  CHECK_FALSE(later.right());
  CHECK(later.seconds.size() == 3);
}

TEST_CASE(
    "what is never written is found in any row, and other bits in rows that the oracle is not asked of") {
  NoGpu device;
  KernelLadder ladder = add_with([](const check::Call&, int) {});
  ladder.rungs[0].run = [](const check::Call&, Memory) {};
  CHECK_THAT(only_rung(ladder, device).before.message, ContainsSubstring("never written"));

  const RungTimes other_bits = only_rung(add_with([](const check::Call& call, int number) {
                                           auto* const y = reinterpret_cast<float*>(call.outputs[0].data);
                                           if (number > 1) y[96 * 10] = -y[96 * 10];
                                         }),
                                         device);
  CHECK_FALSE(other_bits.same_bits);
  CHECK_FALSE(other_bits.right());

  const RungTimes failed = only_rung(
      add_with([](const check::Call&, int) { throw Error(ErrorKind::bad_input, "an illegal address"); }),
      device);
  CHECK(failed.error == "an illegal address");
  CHECK_FALSE(failed.right());
}

TEST_CASE("the rows that an oracle answers for are the whole problem's") {
  for (const std::string op_name : {"rope", "attention", "linear", "embedding"}) {
    const check::Op& op = *find_kernel_ladder(op_name).judged_by;
    const ProblemSize size = small(op_name);
    const check::Case whole = draw_problem(op, size, check::NumberType::f32);
    const std::vector<std::int64_t> rows = sampled_rows(24, 5);
    REQUIRE(rows.size() == 5);
    CHECK(rows.front() == 0);
    CHECK(rows.back() == 23);
    std::vector<double> by_parts;
    for (const check::Case& part : parts_of(op, size, whole, rows)) {
      const std::vector<double> values = op.reference(part).front().value;
      by_parts.insert(by_parts.end(), values.begin(), values.end());
    }
    const std::vector<double> all = op.reference(whole).front().value;
    const std::size_t numbers = by_parts.size() / rows.size();
    std::vector<double> wanted;
    for (const std::int64_t row : rows) {
      const auto first =
          all.begin() + static_cast<std::ptrdiff_t>(row) * static_cast<std::ptrdiff_t>(numbers);
      wanted.insert(wanted.end(), first, first + static_cast<std::ptrdiff_t>(numbers));
    }
    INFO(op_name);
    CHECK(by_parts == wanted);
  }
}

TEST_CASE("times are reported as text and as JSON") {
  LadderTimes times{.op = "linear", .description = "M=1", .work = {.bytes = 4e6, .flops = 2e9}};
  times.bandwidth = {.copy = 8e9, .read = 9e9};
  times.rungs = {{.name = "naive", .source = "cuda/gemm/01_naive.cuh", .seconds = {0.001, 0.002, 0.004}}};
  times.no_library = "there is none here";
  CHECK_THAT(to_text(times), ContainsSubstring("no share of cuBLAS: there is none here"));
  CHECK_THAT(to_text(times), ContainsSubstring("2000.0     1000.0     4000.0        2      25 %     1.00"));
  times.no_library = "";
  times.library = {{.name = "cuBLAS", .source = "", .seconds = {0.001}}};
  CHECK_THAT(to_text(times), ContainsSubstring("50 %\n"));
  const nlohmann::json json = nlohmann::json::parse(to_json(times));
  CHECK(json["right"] == true);
  CHECK(json["rungs"][0]["median_seconds"] == 0.002);
  CHECK(json["rungs"][0]["share_of_copy_bandwidth"] == 0.25);
  CHECK(json["rungs"][0]["share_of_library"] == 0.5);
  CHECK(json["cublas"]["right"] == true);
}
