#pragma once

#include "cuda/simt/where.h"

// Atomic operations on global and shared memory. Each returns what was there before. They are atomic among the threads of
// all blocks and order no other memory, as on a GPU.

int atomicAdd(int* address, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicAdd(unsigned* address, unsigned value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value,
                             rung::simt::Where where = RUNG_SIMT_HERE);
float atomicAdd(float* address, float value, rung::simt::Where where = RUNG_SIMT_HERE);
int atomicSub(int* address, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicSub(unsigned* address, unsigned value, rung::simt::Where where = RUNG_SIMT_HERE);
int atomicMin(int* address, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicMin(unsigned* address, unsigned value, rung::simt::Where where = RUNG_SIMT_HERE);
int atomicMax(int* address, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicMax(unsigned* address, unsigned value, rung::simt::Where where = RUNG_SIMT_HERE);
int atomicExch(int* address, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicExch(unsigned* address, unsigned value, rung::simt::Where where = RUNG_SIMT_HERE);
float atomicExch(float* address, float value, rung::simt::Where where = RUNG_SIMT_HERE);
/// Stores `value` where `expected` was.
int atomicCAS(int* address, int expected, int value, rung::simt::Where where = RUNG_SIMT_HERE);
unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value,
                   rung::simt::Where where = RUNG_SIMT_HERE);
unsigned long long atomicCAS(unsigned long long* address, unsigned long long expected,
                             unsigned long long value, rung::simt::Where where = RUNG_SIMT_HERE);
