#pragma once

#include "cuda/call.h"
#include "cuda/softmax/softmax.h"

namespace rung::cuda {

/// What the host function of a softmax kernel is called with.
template <typename T>
using SoftmaxArguments = void(T* y, const T* x, SoftmaxShape shape);

/// A rung of softmax: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung softmax_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<SoftmaxArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, SoftmaxShape>) {
        CallArray<const T> x(call.input("x"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), x.data(),
               SoftmaxShape{.rows = static_cast<int>(call.integer("rows")),
                            .n = static_cast<int>(call.integer("n")),
                            .x_stride = x.stride(),
                            .y_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
