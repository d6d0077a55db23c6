#pragma once

// CUDA's keywords, for a compiler that knows none of them. `__noinline__` is not among them: the standard library
// spells an attribute like that.

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

// In a function thread_local implies static: one array per OS thread, and an OS thread runs one block at a time.
#define __shared__ thread_local

// How many threads a block may have. g++ leaves that many no-operations in front of the kernel's first instruction and
// notes where they begin, so that launch() can read the number; see launch_bounds.cpp. The second number, the blocks
// that should be resident, concerns nvcc alone. clang wants a plain number there, not one that depends on a template's
// parameters: with it launches are not checked against the bound.
#if defined(__GNUC__) && !defined(__clang__)
#define __launch_bounds__(threads, ...) __attribute__((patchable_function_entry((threads), (threads))))
#else
#define __launch_bounds__(...)
#endif

// A function of the device model that a compiler's hooks (of a sanitizer, of the profiler) should not see into.
#if defined(__GNUC__) && !defined(__clang__)
#define RUNG_SIMT_NO_HOOKS __attribute__((no_sanitize("thread"), no_sanitize_coverage))
#else
#define RUNG_SIMT_NO_HOOKS
#endif
