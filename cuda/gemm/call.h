#pragma once

#include "cuda/call.h"
#include "cuda/gemm/shape.h"

namespace rung::cuda {

/// What the host function of a GEMM kernel is called with.
template <typename T>
using GemmArguments = void(const T* a, const T* w, T* c, GemmShape shape);

/// A rung of GEMM, which is the harness's op `linear`: `rung` with types and run filled in. `kernel` is a host function that
/// launches it, or a function object that calls one.
template <typename Kernel>
KernelRung gemm_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<GemmArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, const T*, const T*, T*, GemmShape>) {
        CallArray<const T> x(call.input("x"), memory);
        CallArray<const T> w(call.input("w"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(x.data(), w.data(), y.data(),
               GemmShape{.m = static_cast<int>(call.integer("M")),
                         .n = static_cast<int>(call.integer("N")),
                         .k = static_cast<int>(call.integer("K")),
                         .a_stride = x.stride(),
                         .w_stride = w.stride(),
                         .c_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

/// The tile of C that a block computes.
struct GemmTile {
  int rows, columns;
};

/// Of rung `number` of the ladder, from 1.
GemmTile gemm_tile(int number);

}  // namespace rung::cuda
