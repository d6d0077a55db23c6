#pragma once

#include <algorithm>
#include <vector>

#include "core/stage/plan.h"
#include "cuda/attention/attention.h"
#include "cuda/call.h"

namespace rung::cuda {

/// What the host function of an attention kernel is called with.
template <typename T>
using AttentionArguments = void(const T* q, const T* k, const T* v, T* out, float* lse, AttentionShape shape);

/// The sequences of a Plan as the kernels want them.
std::vector<AttentionSequence> attention_sequences(const Plan& plan);

/// Rung `number` of the ladder, from 1, on a batch whose arrays are in the device's memory; waits for it.
/// @param lse  [rows, heads] log Σ exp(score), or null
/// @throws Error (unsupported) when the rung does not take T or so wide a head
template <typename T>
void attention_by(int number, const T* q, const T* k, const T* v, T* out, float* lse,
                  const AttentionShape& shape);

/// The problem that the ladder is measured at, for a prompt of so many tokens: causal, 4 query heads of 64 numbers that
/// share one key/value head.
check::Case attention_problem(check::NumberType type, int tokens);

/// A rung of attention: `rung` with types and run filled in. A call of the harness is a batch of one sequence whose
/// keys lie flat. `kernel` is a host function that launches it, or a function object that calls one.
template <typename Kernel>
KernelRung attention_rung(KernelRung rung, Kernel kernel) {
  rung.types = types_of<AttentionArguments>(kernel);
  rung.run = [kernel](const check::Call& call, Memory memory) {
    with_device_type(call.type, [&]<typename T>() {
      if constexpr (std::invocable<Kernel, const T*, const T*, const T*, T*, float*, AttentionShape>) {
        CallArray<const T> q(call.input("q"), memory);
        CallArray<const T> k(call.input("k"), memory);
        CallArray<const T> v(call.input("v"), memory);
        CallArray<T> out(call.outputs[0], memory);
        const AttentionSequence whole{.rows = static_cast<int>(call.integer("T")),
                                      .past = static_cast<int>(call.integer("first_position")),
                                      .keys = static_cast<int>(call.integer("S"))};
        const simt::device_buffer<AttentionSequence> sequences(std::span(&whole, 1));
        kernel(q.data(), k.data(), v.data(), out.data(), nullptr,
               AttentionShape{.of_sequence = sequences.data(),
                              .sequences = 1,
                              .most_rows = whole.rows,
                              .most_keys = whole.keys,
                              .rows = whole.rows,
                              .heads = static_cast<int>(call.integer("H")),
                              .kv_heads = static_cast<int>(call.integer("G")),
                              .head_dim = static_cast<int>(call.integer("D")),
                              .causal = call.integer("causal") != 0,
                              .window = static_cast<int>(call.integer("window")),
                              .scale = static_cast<float>(call.param("scale")),
                              .q_stride = q.stride(),
                              .k_stride = k.stride(),
                              .v_stride = v.stride(),
                              .out_stride = out.stride()});
        finish(memory, out);
      }
    });
  };
  return rung;
}

}  // namespace rung::cuda
