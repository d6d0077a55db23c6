#pragma once

#include "cuda/simt/where.h"

/// Waits until every thread of the block that has not ended has come to this same line. That all of them stand on the
/// same line is CUDA's rule, and breaking it is an error here; a thread that has returned is not waited for (as since
/// compute capability 7.0).
void __syncthreads(rung::simt::Where where = rung::simt::Where::here());
/// __syncthreads, and how many of the threads gave a predicate that is not 0.
int __syncthreads_count(int predicate, rung::simt::Where where = rung::simt::Where::here());
/// __syncthreads, and whether all of them did.
int __syncthreads_and(int predicate, rung::simt::Where where = rung::simt::Where::here());
/// __syncthreads, and whether any of them did.
int __syncthreads_or(int predicate, rung::simt::Where where = rung::simt::Where::here());

/// Orders this thread's memory accesses as other blocks and other threads see them.
inline void __threadfence() {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
/// The same, as the block's threads see them.
inline void __threadfence_block() {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
