#include "chapters/02_tensors/work.h"
#include "core/error.h"
#include "tests/catch.h"

using rung::DType;
using rung::linear_work;

TEST_CASE("a product's work is two FLOPs a term, and W, x and y moved once") {
  const rung::measure::Work work = linear_work(3, 2, 4, DType::F32);
  CHECK(work.flops == 2 * 3 * 2 * 4);
  CHECK(work.bytes == 2 * 4 * 4 + 3 * 4 * 4 + 3 * 2 * 4);
  CHECK(linear_work(3, 2, 4, DType::BF16).bytes == work.bytes - 2 * 4 * 2);
}

TEST_CASE("a product's weights take as many bytes as their blocks") {
  CHECK(linear_work(1, 5, 64, DType::Q8_0).bytes == 5 * 2 * 34 + (64 + 5) * 4);
  CHECK(linear_work(1, 5, 256, DType::Q6_K).bytes == 5 * 210 + (256 + 5) * 4);
  CHECK(linear_work(1, 5, 64, DType::Q8_0).flops == 2 * 5 * 64);
}

TEST_CASE("a large product's work does not overflow") {
  const rung::measure::Work work = linear_work(std::int64_t{1} << 24, 1 << 20, 1 << 20, DType::F32);
  CHECK(work.flops == 0x1p65);
}

TEST_CASE("no product of nothing, or of part of a block, has work") {
  CHECK_THROWS_AS(linear_work(0, 1, 1, DType::F32), rung::Error);
  CHECK_THROWS_AS(linear_work(1, 0, 1, DType::F32), rung::Error);
  CHECK_THROWS_AS(linear_work(1, 1, 0, DType::F32), rung::Error);
  CHECK_THROWS_AS(linear_work(1, 1, 33, DType::Q8_0), rung::Error);
}
