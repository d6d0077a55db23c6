#pragma once

#include "cuda/add/add.h"
#include "cuda/call.h"

namespace rung::cuda {

/// What the host function of an add kernel is called with.
template <typename T>
using AddArguments = void(T* y, const T* a, const T* b, AddShape shape);

/// A rung of add: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung add_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<AddArguments>(kernel);
  rung.in_place = true;
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, const T*, AddShape>) {
        CallArray<const T> a(call.input("a"), memory);
        CallArray<const T> b(call.input("b"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), a.data(), b.data(),
               AddShape{.rows = static_cast<int>(call.integer("rows")),
                        .n = static_cast<int>(call.integer("n")),
                        .a_stride = a.stride(),
                        .b_stride = b.stride(),
                        .y_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
