#pragma once

// Kernels whose counts a textbook tells, each launched once by a function of its own. Compiled with the profiler's
// hooks (patterns.cpp); the tests include this alone.

namespace rung::test {

/// out[i] = in[i * stride + offset] for 512 threads in 4 blocks.
void copy_strided(int stride, int offset);
void copy_float4();
/// out[i] = the sum of the parts of in[i], a float4.
void sum_float4();
/// A 64 × 64 transpose through a tile of [32][32 + padding].
void transpose(int padding);
/// Rows of 128 bytes (and 16 bytes of padding) read a float4 a lane.
void shared_float4_rows(int padding);
/// ldmatrix_x4 from 16 rows of 16 halves and `padding` more.
void ldmatrix(int padding);
/// 1000 numbers summed by 4 blocks of 256: shuffles, shared memory, one atomic a block.
void block_sum();
/// C = A · B, n × n, tiles of 32 × 32.
void gemm_tiled(int n);
/// 16 × 16 × 16 with nvcuda::wmma, one warp.
void gemm_wmma();
/// The same from shared memory, whose rows are 32 or 40 halves apart.
void gemm_wmma_shared(int stride);
/// cp.async double buffer, ldmatrix, mma; n × n halves, one warp per 16 × 8 of C.
void gemm_mma(int n, int padding);
void histogram(int bins);  ///< 128 threads add to bin i % bins of a global array

// Lanes that part ways.
void divergent();   ///< odd lanes loop twice, even ones once; then the lower half loads
void early_exit();  ///< 100 of 128 threads have work
void break_and_continue();
void switch_of_four();
void nested();         ///< inner trips: 1 + lane % 2, outer: 2
void nested_twice();   ///< outer trips: 1 + lane % 2; inner: 1 + lane % 4 / 2 ; loads in both
void while_halving();  ///< while (n > 0) n /= 2 with n = lane
void called_from_two_places();
void called_in_a_loop();  ///< a function that loops by lane, in a loop
void short_circuit();     ///< if (a[i] > 0 && b[i] > 0)
void conditional_operator();

/// Each thread of a warp stores a number, and calls `aside` with a function that was compiled with the hooks, too, and
/// stores another one.
void store_and_aside(void (*aside)(void (*function)(float*), float*));

}  // namespace rung::test
