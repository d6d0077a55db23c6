/*
 * RMSNorm in fp32, as a kernel author might write it: nothing of Rung but its contract, core/check/abi.h.
 *
 *   cc -O2 -shared -fPIC -I . docs/examples/my_rmsnorm.c -o libmy_rmsnorm.so -lm
 *   ./rung check rmsnorm --candidate ./libmy_rmsnorm.so
 *
 * With -DEPS_OUTSIDE it is wrong in a way that people really are wrong.
 */
#include <math.h>

#include "core/check/abi.h"

uint32_t rung_abi_version(void) { return RUNG_ABI_VERSION; }

int32_t rung_rmsnorm(const rung_rmsnorm_args* a) {
  if (a->dtype != RUNG_F32) return RUNG_NOT_SUPPORTED;
  const float* weight = a->weight;
  for (int64_t t = 0; t < a->rows; ++t) {
    const float* x = (const float*)a->x + t * a->x_stride;
    float* y = (float*)a->y + t * a->y_stride;
    float sum = 0;
    for (int64_t i = 0; i < a->n; ++i) sum += x[i] * x[i];
#ifdef EPS_OUTSIDE
    const float scale = 1 / (sqrtf(sum / (float)a->n) + (float)a->eps);
#else
    const float scale = 1 / sqrtf(sum / (float)a->n + (float)a->eps);
#endif
    for (int64_t i = 0; i < a->n; ++i) y[i] = x[i] * scale * weight[i];
  }
  return RUNG_OK;
}
