#pragma once

#include "cuda/call.h"
#include "cuda/embedding/embedding.h"

namespace rung::cuda {

/// What the host function of an embedding kernel is called with.
template <typename T>
using EmbeddingArguments = void(T* y, const T* table, const int* ids, EmbeddingShape shape);

/// A rung of embedding: `rung` with types and run filled in. `kernel` is a host function that launches it, or a function
/// object that calls one.
template <typename Kernel>
KernelRung embedding_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<EmbeddingArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, T*, const T*, const int*, EmbeddingShape>) {
        CallArray<const T> table(call.input("table"), memory);
        CallArray<const int> ids(call.input("ids"), memory);
        CallArray<T> y(call.outputs[0], memory);
        kernel(y.data(), table.data(), ids.data(),
               EmbeddingShape{.tokens = static_cast<int>(call.integer("tokens")),
                              .n = static_cast<int>(call.integer("n")),
                              .table_stride = table.stride(),
                              .y_stride = y.stride()});
        finish(memory, y);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
