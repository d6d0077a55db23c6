#pragma once

#include "cuda/call.h"
#include "cuda/swiglu/swiglu.h"

namespace rung::cuda {

/// What the host function of a swiglu kernel is called with.
template <typename T>
using SwigluArguments = void(T* y, const T* gate, const T* up, SwigluShape shape);

/// A rung of swiglu: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung swiglu_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<SwigluArguments>(kernel);
  rung.in_place = true;
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, const T*, SwigluShape>) {
        CallArray<const T> gate(call.input("gate"), memory);
        CallArray<const T> up(call.input("up"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), gate.data(), up.data(),
               SwigluShape{.rows = static_cast<int>(call.integer("rows")),
                           .n = static_cast<int>(call.integer("n")),
                           .gate_stride = gate.stride(),
                           .up_stride = up.stride(),
                           .y_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
