#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/check/number_type.h"
#include "core/check/random.h"
#include "cuda/gemm/call.h"
#include "cuda/simt/profile/profile.h"
#include "tests/cuda/gemm/gemm_problems.h"

namespace rung::cuda {

/// Multiplies random matrices of this shape under the profiler, in device buffers that end where the matrices do.
inline simt::Profile profiled_gemm(const KernelRung& rung, check::NumberType type, const LinearShape& shape,
                                   const simt::ProfileOptions& options = {}) {
  check::Random random(3);
  check::Case problem = drawn_problem(shape).draw(type, random);
  std::vector<std::vector<std::byte>> memory;
  std::vector<check::ConstTensor> inputs;
  memory.reserve(3);
  inputs.reserve(2);
  for (const check::Array& input : problem.inputs) {
    std::vector<std::byte>& bytes = memory.emplace_back(input.values.size() * check::size_of(type));
    check::store(type, input.values, bytes.data());
    inputs.push_back({.name = input.name,
                      .type = type,
                      .shape = input.shape,
                      .row_stride = input.row_stride,
                      .data = bytes.data()});
  }
  const check::OutputInfo& output = problem.outputs[0];
  std::vector<std::byte>& bytes =
      memory.emplace_back(static_cast<std::size_t>(shape.m * shape.n) * check::size_of(type));
  const std::vector<check::MutableTensor> outputs{{.name = output.name,
                                                   .type = type,
                                                   .shape = output.shape,
                                                   .row_stride = output.row_stride,
                                                   .data = bytes.data()}};
  const check::Call call{.op = "linear",
                         .case_name = "profiled",
                         .type = type,
                         .params = problem.params,
                         .inputs = inputs,
                         .outputs = outputs};
  return simt::profile([&] { rung.run(call, Memory::of_the_device); }, options);
}

}  // namespace rung::cuda
