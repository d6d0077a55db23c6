// What the kernels do to memory: every rung of every ladder under the profiler, at every type.

#include "cuda/report/measure.h"

#include <algorithm>
#include <set>
#include <string>

#include "cuda/report/ladder_report.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

namespace {

RungMeasure profiled(const KernelLadder& ladder, const KernelRung& rung, check::NumberType type,
                     bool check_shapes = false) {
  return measure(ladder, rung, {.type = type, .check_shapes = check_shapes, .judge = false});
}

std::string problems(const simt::Profile& profile) {
  std::string text = profile.error;
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& problem : kernel.problems) text += problem.message + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the checker is quiet on every kernel of the course") {
  for (const KernelLadder& ladder : kernel_ladders()) {
    for (const KernelRung& rung : ladder.rungs) {
      for (const check::NumberType type : rung.types) {
        // fp16 and bf16 differ in the conversions of registers alone.
        if (type == check::NumberType::bf16 && rung.types.size() == 3) continue;
        INFO(rung.source << " " << check::name(type));
        const RungMeasure measured = profiled(ladder, rung, type, true);
        CHECK(problems(measured.profile) == "");
        CHECK(problems(measured.findings) == "");
        CHECK(measured.checked == "");
        CHECK(measured.total.global().requests > 0);
      }
    }
  }
}

TEST_CASE(
    "the last rung of each ladder of chapter 13 moves the least bytes, in full sectors, without bank "
    "conflicts") {
  for (const KernelLadder& ladder : kernel_ladders()) {
    if (ladder.chapter != 13) continue;
    const KernelRung& last = ladder.rungs.back();
    for (const check::NumberType type : last.types) {
      INFO(last.source << " " << check::name(type));
      const RungMeasure measured = profiled(ladder, last, type);
      CHECK(measured.dram_over_least() <= 1.05);
      CHECK(measured.dram_over_least() >= 1);
      CHECK(measured.total.global().units == measured.total.global().ideal);
      CHECK(measured.total.shared().units == measured.total.shared().ideal);
      // The model's L1 keeps nothing: a row of the embedding that several tokens ask for comes from the L2 for each of them.
      double asked_for_again = 0;
      if (ladder.op == "embedding") {
        const check::Case problem = ladder.measured(type);
        const auto ids = problem.input("ids").row(0);
        const std::set<float> different(ids.begin(), ids.end());
        asked_for_again = problem.param("n") * static_cast<double>(check::size_of(type)) *
                          static_cast<double>(ids.size() - different.size());
      }
      CHECK(measured.l2_over_least() <= 1.05 + asked_for_again / measured.work.bytes);
    }
  }
}

TEST_CASE("in the half-split layout too, rope's last rung has full sectors and no bank conflicts") {
  KernelLadder half_split = find_kernel_ladder("rope");
  half_split.measured = [interleaved = half_split.measured](check::NumberType type) {
    check::Case problem = interleaved(type);
    for (auto& [name, value] : problem.params) {
      if (name == "layout") value = 0;
    }
    return problem;
  };
  for (const check::NumberType type : check::number_types) {
    INFO(check::name(type));
    const RungMeasure last = profiled(half_split, half_split.rungs.back(), type);
    CHECK(last.total.global().units == last.total.global().ideal);
    CHECK(last.total.shared().units == last.total.shared().ideal);
    CHECK(last.l2_over_least() <= 1.05);
  }
  // What the rung before it pays in 16 bits, where a thread loads two chunks of each angle's array: twice for all loads.
  const simt::KernelProfile before = profiled(half_split, half_split.rungs[3], check::NumberType::f16).total;
  CHECK(before.shared_loads.units == 2 * before.shared_loads.ideal);
}

TEST_CASE("no rung of chapter 13 moves more than the one before it") {
  for (const KernelLadder& ladder : kernel_ladders()) {
    if (ladder.chapter != 13) continue;
    for (const check::NumberType type : check::number_types) {
      double before = 1e30;
      for (const KernelRung& rung : ladder.rungs) {
        INFO(rung.source << " " << check::name(type));
        const RungMeasure measured = profiled(ladder, rung, type);
        const double bytes = measured.l2_over_least() + measured.dram_over_least();
        CHECK(bytes <= 1.01 * before);
        before = bytes;
      }
    }
  }
}

TEST_CASE("what the first rungs waste is what one expects") {
  using enum check::NumberType;
  const auto first = [](const char* op, check::NumberType type) {
    const KernelLadder& ladder = find_kernel_ladder(op);
    return profiled(ladder, ladder.rungs.front(), type);
  };
  // 32 lanes, each in a sector of its own.
  CHECK(first("add", f32).total.global().units_per_request() == 32);
  CHECK(first("add", f16).total.global().ideal_per_request() == 2);
  // A sector of 32 bytes for each number of 4 or 2.
  CHECK(first("add", f32).l2_over_least() == 8);
  CHECK(first("add", f16).l2_over_least() == 16);
  // Five arrays instead of three.
  CHECK(first("swiglu", f32).l2_over_least() == Approx(5.0 / 3));
  // x three times and y once, each number in a sector of its own.
  CHECK(first("softmax", f32).l2_over_least() == 16);
}

TEST_CASE("a ladder is written as text, as JSON and as a figure") {
  const KernelLadder& ladder = find_kernel_ladder("add");
  LadderMeasure measured{.ladder = &ladder, .device = &simt::device_description("h100")};
  for (const KernelRung& rung : ladder.rungs)
    measured.rungs.push_back(measure(ladder, rung, {.device = measured.device}));
  measured.no_facts = "no nvcc";
  CHECK(all_right(measured));
  const std::string text = to_text(measured);
  CHECK_THAT(text, ContainsSubstring("H100") && ContainsSubstring("01 piece_per_thread") &&
                       ContainsSubstring("32.0 (4.0)"));
  const std::string json = to_json(measured);
  CHECK_THAT(json, ContainsSubstring("\"dram_over_least\"") &&
                       ContainsSubstring("\"no_static_facts\": \"no nvcc\""));
  CHECK_THAT(to_svg({measured}), Catch::Matchers::StartsWith("<svg") && ContainsSubstring("03 vectors"));
  const std::string lines = annotated_text(measured, RUNG_SOURCE_DIR);
  CHECK_THAT(lines, ContainsSubstring("load16(a_row + first)"));
  CHECK_THAT(lines,
             ContainsSubstring("^ global load 4 B, 4096 requests, 32.0 sectors a request (ideal 4.0)"));
}

TEST_CASE("a bound is the longest of memory, shared memory and arithmetic") {
  const simt::DeviceDescription& a100 = simt::device_description("a100");
  simt::KernelProfile total;
  total.dram_bytes_loaded = 1555000;
  const Work work{.bytes = 0, .flops = 195e3};
  CHECK(bound_of(total, work, check::NumberType::f32, a100).by == "memory");
  CHECK(bound_of(total, work, check::NumberType::f32, a100).seconds == Approx(1e-6));
  total.shared_loads.units = 1'000'000;  // 108 SMs at 1.41 GHz: 6.6 us
  CHECK(bound_of(total, work, check::NumberType::f32, a100).by == "shared memory");
  CHECK(bound_of(total, work, check::NumberType::f32, a100).seconds ==
        Approx(1e6 / (108 * 1.41e9)).epsilon(0.01));
  CHECK(bound_of({}, work, check::NumberType::f32, a100).seconds == Approx(1e-8));
}
