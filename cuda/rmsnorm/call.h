#pragma once

#include "cuda/call.h"
#include "cuda/rmsnorm/rmsnorm.h"

namespace rung::cuda {

/// What the host function of an rmsnorm kernel is called with.
template <typename T>
using RmsNormArguments = void(T* y, const T* x, const T* weight, RmsNormShape shape);

/// A rung of rmsnorm: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung rmsnorm_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<RmsNormArguments>(kernel);
  rung.in_place = true;
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, const T*, RmsNormShape>) {
        CallArray<const T> x(call.input("x"), memory);
        CallArray<const T> weight(call.input("weight"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), x.data(), weight.data(),
               RmsNormShape{.rows = static_cast<int>(call.integer("rows")),
                            .n = static_cast<int>(call.integer("n")),
                            .x_stride = x.stride(),
                            .y_stride = y.stride(),
                            .eps = static_cast<float>(call.param("eps"))});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
