/*
 * Libraries that are wrong, each in one way: -DBUG_… picks it. In C, so that abi.h stays C.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200112L /* nanosleep, ftruncate */
#endif
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/check/abi.h"

#if defined(BUG_OTHER_VERSION)
uint32_t rung_abi_version(void) { return RUNG_ABI_VERSION + 41; }
#elif !defined(BUG_NO_VERSION)
uint32_t rung_abi_version(void) { return RUNG_ABI_VERSION; }
#endif

#if defined(BUG_NO_OPS)
int32_t rung_conv(const void* a) { return a != NULL; }
#elif defined(BUG_OTHER_OP)
int32_t rung_softmax(const rung_softmax_args* a) { return a == NULL ? RUNG_FAILED : RUNG_NOT_SUPPORTED; }
#else

#if defined(BUG_CRASHES_AT_LOADING)
__attribute__((constructor)) static void load(void) { raise(SIGSEGV); }
#endif

int32_t rung_linear(const rung_linear_args* a) {
  if (a->dtype != RUNG_F32) return RUNG_NOT_SUPPORTED;
  const float* x = a->x;
  const float* w = a->w;
  float* y = a->y;
  int64_t last = a->k;
#if defined(BUG_CRASHES)
  raise(SIGSEGV); /* what a wild read ends in */
#elif defined(BUG_EXITS)
  exit(3);
#elif defined(BUG_SLEEPS)
  const struct timespec long_time = {1000, 0};
  nanosleep(&long_time, NULL);
#elif defined(BUG_HANGS_UP)
  for (int descriptor = 3; descriptor < 64; ++descriptor) close(descriptor);
  for (;;) pause();
#elif defined(BUG_CUTS_MEMORY)
  for (int descriptor = 3; descriptor < 64; ++descriptor) {
    if (ftruncate(descriptor, 0) == 0) y[0] = 0; /* ours no longer, if it could be cut */
  }
#elif defined(BUG_FORKS)
  if (fork() == 0) {
    for (;;) pause();
  }
#elif defined(BUG_FAILS)
  return 77;
#elif defined(BUG_SOME_SHAPES)
  if (a->m == 1) return RUNG_NOT_SUPPORTED;
#elif defined(BUG_PROBES_ONLY)
  if (a->k != 4097) return RUNG_NOT_SUPPORTED;
#elif defined(BUG_SOME_SHAPES_WRONG)
  if (a->m == 1) return RUNG_NOT_SUPPORTED;
  last -= last % 8;
#elif defined(BUG_DROPS_LAST_K)
  last -= last % 8;
#elif defined(BUG_CHANGES_INPUT)
  ((float*)a->x)[0] = -77;
#elif defined(BUG_TALKS)
  static int talked = 0;
  if (talked++ == 0) puts("a candidate's words must not end up in the report");
  fflush(stdout);
#endif
  for (int64_t m = 0; m < a->m; ++m) {
    for (int64_t n = 0; n < a->n; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < last; ++k) sum += x[m * a->x_stride + k] * w[n * a->w_stride + k];
#if defined(BUG_NAN)
      sum = NAN;
#elif defined(BUG_ZEROS)
      sum = 0;
#elif defined(BUG_OTHER_EVERY_TIME)
      static int calls = 0;
      if (++calls % 2 != 0) sum *= 1 + 1e-7f;
#elif defined(BUG_LEAVES_SOME)
      if (m == a->m - 1 && n == a->n - 1) continue;
#endif
      y[m * a->y_stride + n] = sum;
    }
  }
#if defined(BUG_WRITES_BEFORE)
  y[-1] = 0;
#elif defined(BUG_WRITES_AFTER)
  y[(a->m - 1) * a->y_stride + a->n] = 0; /* where rows have gaps: into the gap */
#elif defined(BUG_WRITES_FAR_AFTER)
  ((unsigned char*)(y + a->m * a->y_stride))[8192] = 0;
#elif defined(BUG_WRITES_ONES_AFTER)
  memset(y + a->m * a->y_stride, 0xff, sizeof(float)); /* a NaN, as a guard band could hold */
#elif defined(BUG_WRITES_BETWEEN)
  /* between x and w, where one's guard band ends and the other's begins */
  unsigned char* const end = (unsigned char*)x + (a->m * a->x_stride) * (int64_t)sizeof(float);
  end[((const unsigned char*)w - end) / 2] = 0;
#elif defined(BUG_WRITES_FAR_AWAY)
  ((unsigned char*)(y + a->m * a->y_stride))[8 << 20] = 0;
#endif
  return RUNG_OK;
}
#endif
