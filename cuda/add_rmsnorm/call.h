#pragma once

#include "cuda/add_rmsnorm/add_rmsnorm.h"
#include "cuda/call.h"

namespace rung::cuda {

/// What the host function of an add_rmsnorm kernel is called with.
template <typename T>
using AddRmsNormArguments = void(T* sum, T* y, const T* x, const T* residual, const T* weight,
                                 AddRmsNormShape shape);

/// A rung of add_rmsnorm: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung add_rmsnorm_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<AddRmsNormArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, T*, const T*, const T*, const T*, AddRmsNormShape>) {
        CallArray<const T> x(call.input("x"), memory);
        CallArray<const T> residual(call.input("residual"), memory);
        CallArray<const T> weight(call.input("weight"), memory);
        CallArray<T> sum(call.outputs[0], memory);
        CallArray<T> y(call.outputs[1], memory);
        kernel(sum.data(), y.data(), x.data(), residual.data(), weight.data(),
               AddRmsNormShape{.rows = static_cast<int>(call.integer("rows")),
                               .n = static_cast<int>(call.integer("n")),
                               .x_stride = x.stride(),
                               .residual_stride = residual.stride(),
                               .sum_stride = sum.stride(),
                               .y_stride = y.stride(),
                               .eps = static_cast<float>(call.param("eps"))});
        finish(memory, sum, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
