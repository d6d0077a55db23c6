#pragma once

// A case of the harness in memory of our own choice, without the harness's guards: on the host, or on a device.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/number_type.h"

namespace rung::cuda {

/// The arrays of a case as a Call hands them out. The case must live on.
class CallMemory {
 public:
  /// Gives room for so many bytes, which begin as `contents` where that is not empty (then it is as long). The memory
  /// belongs to whoever gives it, and must live on.
  using Place = std::function<std::byte*(std::span<const std::byte> contents, std::size_t bytes)>;

  /// Stores the case's inputs where `place` gives room, and asks it for room for the outputs.
  CallMemory(const check::Case& problem, const Place& place) : problem_(problem) {
    inputs_.reserve(problem.inputs.size());
    outputs_.reserve(problem.outputs.size());
    std::vector<std::byte> bytes;
    for (const check::Array& input : problem.inputs) {
      bytes.resize(input.values.size() * (input.whole ? 4 : check::size_of(problem.type)));
      if (input.whole) {
        check::store_whole(input.values, bytes.data());
      } else {
        check::store(problem.type, input.values, bytes.data());
      }
      inputs_.push_back({.name = input.name,
                         .type = problem.type,
                         .shape = input.shape,
                         .row_stride = input.row_stride,
                         .data = place(bytes, bytes.size()),
                         .whole = input.whole});
    }
    for (const check::OutputInfo& output : problem.outputs) {
      const std::int64_t rows = elements(output.shape) / output.shape.back();
      const std::size_t size =
          static_cast<std::size_t>(rows * output.row_stride) * check::size_of(problem.type);
      outputs_.push_back({.name = output.name,
                          .type = problem.type,
                          .shape = output.shape,
                          .row_stride = output.row_stride,
                          .data = place({}, size)});
    }
  }

  /// What a kernel is called with; valid as long as this.
  check::Call call() const {
    return {.op = problem_.op,
            .case_name = problem_.name,
            .type = problem_.type,
            .params = problem_.params,
            .inputs = inputs_,
            .outputs = outputs_};
  }

 private:
  const check::Case& problem_;
  std::vector<check::ConstTensor> inputs_;
  std::vector<check::MutableTensor> outputs_;
};

}  // namespace rung::cuda
