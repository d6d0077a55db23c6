#pragma once

#include "cuda/call.h"
#include "cuda/rope/rope.h"

namespace rung::cuda {

/// What the host function of a rope kernel is called with.
template <typename T>
using RopeArguments = void(T* y, const T* x, const int* positions, RopeShape shape);

/// A rung of rope: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung rope_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<RopeArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, const int*, RopeShape>) {
        CallArray<const T> x(call.input("x"), memory);
        CallArray<const int> positions(call.input("positions"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), x.data(), positions.data(),
               RopeShape{
                   .T = static_cast<int>(call.integer("T")),
                   .H = static_cast<int>(call.integer("H")),
                   .D = static_cast<int>(call.integer("D")),
                   .layout = call.integer("layout") == 0 ? RopeLayout::half_split : RopeLayout::interleaved,
                   .theta = static_cast<float>(call.param("theta")),
                   .x_stride = x.stride(),
                   .y_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
