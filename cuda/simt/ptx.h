#pragma once

#include "cuda/simt/simt.h"

// Instructions that CUDA C++ has no name for: tensor cores, ldmatrix and cp.async. Inline PTX under nvcc, operations of a
// warp on the CPU. Where an element of a fragment lies is as the PTX ISA documents it (tensor_cores.cpp has the formulas).

#ifdef __CUDACC__

namespace rung::ptx {

/// D[16, 8] += A[16, 16] · B[16, 8], fp16 in, fp32 sums. `a` and `b` hold two halves a register, the lower column (of A) or
/// row (of B) in the lower half.
__device__ inline void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// The same with bfloat16 in.
__device__ inline void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// D[16, 8] += A[16, 32] · B[32, 8], int8 in, int32 sums that wrap. Four bytes a register.
__device__ inline void mma_m16n8k32_s8(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ inline unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
/// Four 8 × 8 matrices of 16-bit elements from shared memory. Lane 8 i + j gives the address of row j of matrix i.
__device__ inline void ldmatrix_x4(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
/// The same, each matrix transposed.
__device__ inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
/// Two matrices; the addresses of lanes 16 to 31 are not used.
__device__ inline void ldmatrix_x2(unsigned (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1},[%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
}
/// The same, each matrix transposed.
__device__ inline void ldmatrix_x2_trans(unsigned (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1},[%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
}
/// One matrix; the addresses of lanes 8 to 31 are not used.
__device__ inline void ldmatrix_x1(unsigned (&r)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0},[%1];"
               : "=r"(r[0])
               : "r"(shared_address(row))
               : "memory");
}
/// The same, transposed.
__device__ inline void ldmatrix_x1_trans(unsigned (&r)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0},[%1];"
               : "=r"(r[0])
               : "r"(shared_address(row))
               : "memory");
}

/// Starts a copy of 16 bytes from global to shared memory, past the L1 cache. Both addresses are multiples of 16.
__device__ inline void cp_async16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0],[%1],16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/// 8 bytes.
__device__ inline void cp_async8(void* to, const void* from) {
  asm volatile("cp.async.ca.shared.global [%0],[%1],8;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/// 4 bytes.
__device__ inline void cp_async4(void* to, const void* from) {
  asm volatile("cp.async.ca.shared.global [%0],[%1],4;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/// Reads `source_bytes` (0 to 16) and fills the rest of the 16 with zeros.
__device__ inline void cp_async16_zfill(void* to, const void* from, unsigned source_bytes) {
  asm volatile("cp.async.cg.shared.global [%0],[%1],16,%2;" ::"r"(shared_address(to)), "l"(from),
               "r"(source_bytes)
               : "memory");
}
/// The same with 8 bytes.
__device__ inline void cp_async8_zfill(void* to, const void* from, unsigned source_bytes) {
  asm volatile("cp.async.ca.shared.global [%0],[%1],8,%2;" ::"r"(shared_address(to)), "l"(from),
               "r"(source_bytes)
               : "memory");
}
/// The same with 4 bytes.
__device__ inline void cp_async4_zfill(void* to, const void* from, unsigned source_bytes) {
  asm volatile("cp.async.ca.shared.global [%0],[%1],4,%2;" ::"r"(shared_address(to)), "l"(from),
               "r"(source_bytes)
               : "memory");
}
/// Closes this thread's group of copies.
__device__ inline void cp_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most `pending` of this thread's groups are not done. Other threads see the copies after a barrier.
template <int pending>
__device__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

}  // namespace rung::ptx

#else

namespace rung::ptx {

/// D[16, 8] += A[16, 16] · B[16, 8], fp16 in, fp32 sums. `a` and `b` hold two halves a register, the lower column (of A) or
/// row (of B) in the lower half. How sums are formed: simt::Accumulation.
void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                  simt::Where where = simt::Where::here());
/// The same with bfloat16 in.
void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                       simt::Where where = simt::Where::here());
/// D[16, 8] += A[16, 32] · B[32, 8], int8 in, int32 sums that wrap. Four bytes a register.
void mma_m16n8k32_s8(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                     simt::Where where = simt::Where::here());

/// Four 8 × 8 matrices of 16-bit elements from shared memory. Lane 8 i + j gives the address of row j of matrix i.
void ldmatrix_x4(unsigned (&r)[4], const void* row, simt::Where where = simt::Where::here());
/// The same, each matrix transposed.
void ldmatrix_x4_trans(unsigned (&r)[4], const void* row, simt::Where where = simt::Where::here());
/// Two matrices; the addresses of lanes 16 to 31 are not used.
void ldmatrix_x2(unsigned (&r)[2], const void* row, simt::Where where = simt::Where::here());
/// The same, each matrix transposed.
void ldmatrix_x2_trans(unsigned (&r)[2], const void* row, simt::Where where = simt::Where::here());
/// One matrix; the addresses of lanes 8 to 31 are not used.
void ldmatrix_x1(unsigned (&r)[1], const void* row, simt::Where where = simt::Where::here());
/// The same, transposed.
void ldmatrix_x1_trans(unsigned (&r)[1], const void* row, simt::Where where = simt::Where::here());

/// Starts a copy of 16 bytes from global to shared memory. Both addresses are multiples of 16. It is carried out at the
/// wait: what is read before is what was there before.
void cp_async16(void* to, const void* from, simt::Where where = simt::Where::here());
/// 8 bytes.
void cp_async8(void* to, const void* from, simt::Where where = simt::Where::here());
/// 4 bytes.
void cp_async4(void* to, const void* from, simt::Where where = simt::Where::here());
/// Reads `source_bytes` (0 to 16) and fills the rest of the 16 with zeros.
void cp_async16_zfill(void* to, const void* from, unsigned source_bytes,
                      simt::Where where = simt::Where::here());
/// The same with 8 bytes.
void cp_async8_zfill(void* to, const void* from, unsigned source_bytes,
                     simt::Where where = simt::Where::here());
/// The same with 4 bytes.
void cp_async4_zfill(void* to, const void* from, unsigned source_bytes,
                     simt::Where where = simt::Where::here());
/// Closes this thread's group of copies.
void cp_async_commit(simt::Where where = simt::Where::here());

namespace detail {
void cp_async_wait(unsigned pending, simt::Where where);
}
/// Waits until at most `pending` of this thread's groups are not done. Other threads see the copies after a barrier.
template <int pending>
void cp_async_wait(simt::Where where = simt::Where::here()) {
  static_assert(pending >= 0);
  detail::cp_async_wait(pending, where);
}

}  // namespace rung::ptx

#endif
