// The rungs of the GEMM ladder on shapes that their pipelines, their loads of 16 bytes and their parts of k are sensitive
// to. (tests/cuda/ladder judges them on the op's own.)

#include <map>

#include "core/check/check.h"
#include "cuda/gemm/call.h"
#include "tests/catch.h"
#include "tests/cuda/gemm/gemm_problems.h"

using namespace rung;

TEST_CASE("every GEMM rung is right on ragged edges, whole chunks and long sums") {
  // 16-byte loads need K and gaps to be multiples of 8; the pipelines need several rounds of 16 or 32 numbers.
  const check::Op op = cuda::linear_with({{1, 1, 8, 0, 0},
                                          {33, 127, 104, 0, 0},
                                          {127, 33, 97, 0, 0},
                                          {127, 131, 96, 8, 16},
                                          {130, 129, 72, 0, 8},
                                          {67, 129, 100, 4, 0},
                                          {16, 64, 256, 0, 0},
                                          {5, 61, 1000, 0, 0},
                                          {1, 200, 1024, 0, 0},
                                          {16, 48, 1031, 1, 9}});
  std::map<check::NumberType, check::DrawnProblems> problems;
  for (const check::NumberType type : check::number_types) problems.try_emplace(type, op, type);
  for (const cuda::KernelRung& rung : cuda::find_kernel_ladder("linear").rungs) {
    check::Candidate candidate = cuda::candidate_of(cuda::find_kernel_ladder("linear"), rung);
    candidate.run = [&](const check::Call& call) { rung.run(call, cuda::Memory::of_the_device); };
    for (const check::NumberType type : rung.types) {
      const check::Report report = check::check(problems.at(type), candidate);
      INFO(check::to_text(report));
      CHECK(report.passed);
    }
  }
}

TEST_CASE("the GEMM ladder's tensor-core rungs take 16-bit numbers, the others all") {
  for (const cuda::KernelRung& rung : cuda::find_kernel_ladder("linear").rungs) {
    INFO(rung.source);
    CHECK(rung.types.size() == (rung.number < 10 ? 3 : 2));
    CHECK(rung.types.back() == check::NumberType::bf16);
    CHECK(cuda::gemm_tile(rung.number).rows > 0);
  }
}
