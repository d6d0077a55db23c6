#pragma once

#include "cuda/simt/where.h"

// Atomic operations on global and shared memory. Each returns what was there before. They are atomic among the threads of
// all blocks and order no other memory, as on a GPU.

int atomicAdd(int* address, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicAdd(unsigned* address, unsigned value, rung::simt::Where where = rung::simt::Where::here());
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value,
                             rung::simt::Where where = rung::simt::Where::here());
float atomicAdd(float* address, float value, rung::simt::Where where = rung::simt::Where::here());
int atomicSub(int* address, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicSub(unsigned* address, unsigned value, rung::simt::Where where = rung::simt::Where::here());
int atomicMin(int* address, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicMin(unsigned* address, unsigned value, rung::simt::Where where = rung::simt::Where::here());
int atomicMax(int* address, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicMax(unsigned* address, unsigned value, rung::simt::Where where = rung::simt::Where::here());
int atomicExch(int* address, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicExch(unsigned* address, unsigned value, rung::simt::Where where = rung::simt::Where::here());
float atomicExch(float* address, float value, rung::simt::Where where = rung::simt::Where::here());
/// Stores `value` where `expected` was.
int atomicCAS(int* address, int expected, int value, rung::simt::Where where = rung::simt::Where::here());
unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value,
                   rung::simt::Where where = rung::simt::Where::here());
unsigned long long atomicCAS(unsigned long long* address, unsigned long long expected,
                             unsigned long long value, rung::simt::Where where = rung::simt::Where::here());
