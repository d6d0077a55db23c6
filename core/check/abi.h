/*
 * The contract between Rung's harness and your kernels, in plain C (C99). Nothing else of Rung is needed:
 * copy this file, or compile with -I <the repository> and #include "core/check/abi.h".
 *
 * Build a shared library that exports
 *
 *   uint32_t rung_abi_version(void)                 must return RUNG_ABI_VERSION
 *
 * and those of the following that you have (from C++ or CUDA: inside extern "C"):
 *
 *   int32_t rung_rmsnorm  (const rung_rmsnorm_args*)
 *   int32_t rung_rope     (const rung_rope_args*)
 *   int32_t rung_softmax  (const rung_softmax_args*)
 *   int32_t rung_attention(const rung_attention_args*)
 *   int32_t rung_swiglu   (const rung_swiglu_args*)
 *   int32_t rung_linear   (const rung_linear_args*)
 *
 * then   ./rung check linear --candidate ./libmine.so
 *
 * THE CALL
 *   The function computes its outputs completely, then returns
 *     RUNG_OK             the outputs are written
 *     RUNG_NOT_SUPPORTED  it does not do this dtype or this shape: the case is not judged. The report says
 *                         how many that were; a dtype of which it does nothing is not judged at all.
 *     anything else       it failed: the case fails, and the report shows the number
 *   Calls come one after the other, from one thread, in a process of their own. A function may keep state
 *   between calls (a CUDA context, a workspace), but the same inputs must give the same bits again. A crash,
 *   or a call longer than the time-out (--timeout), is caught and reported.
 *
 * MEMORY
 *   All pointers are to host memory: a GPU kernel's wrapper copies to the device, launches, synchronises,
 *   checks for errors, and copies back. Every array starts at a multiple of 64 bytes; its later rows are
 *   wherever the row stride puts them. Inputs must not be changed. Outputs hold NaN before the call. Arrays
 *   stand between guard bands: what is read there is NaN, and what is written there is reported.
 *
 * ARRAYS
 *   Row-major, slowest dimension first. "[T, H, D]" with row stride s means: the last dimension is
 *   contiguous, and the rows (all the other dimensions together, flattened) start s numbers, not bytes,
 *   apart:
 *       element [t, h, d] is data[(t * H + h) * s + d]
 *   s is at least the last extent; where it is more, what lies between two rows is not yours to read (it
 *   holds NaN) or to write. No extent is 0. No two arrays overlap.
 *
 * NUMBERS
 *   `dtype` is the type of every array of the call that is declared void*: float, IEEE binary16, or bfloat16
 *   (the upper 16 bits of a float). Work in whatever precision you like inside, and round the result once, to
 *   nearest, ties to even, as IEEE 754 and the hardware's conversions do; what is beyond the type's largest
 *   number becomes infinity. How far the result may be from the fp64 oracle is declared op by op:
 *   `./rung check --mistakes` prints it.
 *
 * VERSIONS
 *   `size` is sizeof the struct as the harness knows it. Within one RUNG_ABI_VERSION fields are only added,
 *   and only at the end; anything else changes the version, and the harness refuses other versions.
 */
#ifndef RUNG_CORE_CHECK_ABI_H
#define RUNG_CORE_CHECK_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What rung_abi_version() must return. */
#define RUNG_ABI_VERSION 1

/* Types of numbers: rung_*_args.dtype. */
enum { RUNG_F32 = 0, RUNG_F16 = 1, RUNG_BF16 = 2 };

/* What a function returns. */
enum { RUNG_OK = 0, RUNG_NOT_SUPPORTED = 1, RUNG_FAILED = 2 };

/* Which two numbers of a head's D are a pair for RoPE: rung_rope_args.layout. */
enum {
  RUNG_ROPE_HALF_SPLIT = 0, /* i and i + D/2, as in Hugging Face's rotate_half */
  RUNG_ROPE_INTERLEAVED = 1 /* 2 i and 2 i + 1, as in the RoPE paper and Meta's llama */
};

/**
 * rmsnorm: y[t] = x[t] / sqrt(mean over n of x[t]^2 + eps) * weight
 */
typedef struct rung_rmsnorm_args {
  size_t size;        /* sizeof(rung_rmsnorm_args) */
  int32_t dtype;      /* of x, weight and y */
  int32_t reserved;   /* 0 */
  int64_t rows;       /* T */
  int64_t n;          /* numbers in a row */
  double eps;         /* inside the root */
  const void* x;      /* [T, n] */
  int64_t x_stride;   /* row stride of x */
  const void* weight; /* [n] */
  void* y;            /* [T, n] */
  int64_t y_stride;   /* row stride of y */
} rung_rmsnorm_args;

/**
 * rope: turns pair i of every head of row t by the angle positions[t] * theta^(-2 i / D), in radians,
 * for 0 <= i < D/2:
 *
 *     y_first  = x_first  * cos - x_second * sin
 *     y_second = x_second * cos + x_first  * sin
 *
 * Frequencies, angles, sin and cos may be fp32, each as good as a plain powf, sinf and cosf. Not as good are
 * expf(-e * logf(theta)) and exp2f(-e * log2f(theta)), whose exponent is rounded to fp32 (use powf, or
 * double), and a product that is carried from one frequency to the next.
 *
 * Rows may come from several sequences: positions need not be consecutive.
 */
typedef struct rung_rope_args {
  size_t size;              /* sizeof(rung_rope_args) */
  int32_t dtype;            /* of x and y */
  int32_t layout;           /* RUNG_ROPE_HALF_SPLIT or RUNG_ROPE_INTERLEAVED */
  int64_t rows;             /* T */
  int64_t heads;            /* H */
  int64_t head_dim;         /* D, even */
  double theta;             /* the base, 10000 say */
  const int32_t* positions; /* [T], each >= 0 */
  const void* x;            /* [T, H, D] */
  int64_t x_stride;         /* row stride of x: from one head to the next */
  void* y;                  /* [T, H, D] */
  int64_t y_stride;         /* row stride of y */
} rung_rope_args;

/**
 * softmax: y[t, i] = exp(x[t, i]) / sum over j of exp(x[t, j])
 * A masked entry of x is -infinity: its weight is 0. A row that is masked altogether gives a row of 0.
 */
typedef struct rung_softmax_args {
  size_t size;      /* sizeof(rung_softmax_args) */
  int32_t dtype;    /* of x and y */
  int32_t reserved; /* 0 */
  int64_t rows;     /* T */
  int64_t n;        /* numbers in a row */
  const void* x;    /* [T, n] */
  int64_t x_stride; /* row stride of x */
  void* y;          /* [T, n] */
  int64_t y_stride; /* row stride of y */
} rung_softmax_args;

/**
 * attention of one sequence: out[t, h] = sum over s of p[t, h, s] * v[s, g], where
 *
 *     p[t, h] = softmax over s of scale * q[t, h] . k[s, g]     over the keys that query t sees
 *     g       = h / (H / G)                                     the key/value head of query head h
 *
 * Key s is at position s, query t at position first_position + t. With `causal`, a query sees the keys at its
 * own position and before. With window = W > 0, causal or not, it sees none that is W or more before its own
 * position. A query that sees no key gives 0 (first_position may be negative: then the first queries see
 * nothing). Keys that no query sees may hold anything.
 */
typedef struct rung_attention_args {
  size_t size;            /* sizeof(rung_attention_args) */
  int32_t dtype;          /* of q, k, v and out */
  int32_t causal;         /* 0 or 1 */
  int64_t queries;        /* T */
  int64_t keys;           /* S */
  int64_t heads;          /* H, a multiple of G */
  int64_t kv_heads;       /* G */
  int64_t head_dim;       /* D */
  int64_t first_position; /* position of query 0 */
  int64_t window;         /* W, or 0 for none */
  double scale;           /* what scores are multiplied with: 1 / sqrt(D) as a rule */
  const void* q;          /* [T, H, D] */
  int64_t q_stride;       /* row stride of q: from one head to the next */
  const void* k;          /* [S, G, D] */
  int64_t k_stride;       /* row stride of k */
  const void* v;          /* [S, G, D] */
  int64_t v_stride;       /* row stride of v */
  void* out;              /* [T, H, D] */
  int64_t out_stride;     /* row stride of out */
} rung_attention_args;

/**
 * swiglu: y = silu(gate) * up, number by number, silu(z) = z / (1 + exp(-z))
 */
typedef struct rung_swiglu_args {
  size_t size;         /* sizeof(rung_swiglu_args) */
  int32_t dtype;       /* of gate, up and y */
  int32_t reserved;    /* 0 */
  int64_t rows;        /* T */
  int64_t n;           /* numbers in a row */
  const void* gate;    /* [T, n] */
  int64_t gate_stride; /* row stride of gate */
  const void* up;      /* [T, n] */
  int64_t up_stride;   /* row stride of up */
  void* y;             /* [T, n] */
  int64_t y_stride;    /* row stride of y */
} rung_swiglu_args;

/**
 * linear: y = x * W^T, that is y[m, n] = sum over k of x[m, k] * w[n, k]
 * Weights lie as in checkpoints, one row per output. Sums of small integers must come out exact.
 */
typedef struct rung_linear_args {
  size_t size;      /* sizeof(rung_linear_args) */
  int32_t dtype;    /* of x, w and y; accumulate in float or better */
  int32_t reserved; /* 0 */
  int64_t m;        /* M: rows of x and y */
  int64_t n;        /* N: rows of w, columns of y */
  int64_t k;        /* K: columns of x and w */
  const void* x;    /* [M, K] */
  int64_t x_stride; /* row stride of x */
  const void* w;    /* [N, K] */
  int64_t w_stride; /* row stride of w */
  void* y;          /* [M, N] */
  int64_t y_stride; /* row stride of y */
} rung_linear_args;

/** The functions' types, for whoever wants the compiler to check. */
/**@{*/
typedef uint32_t rung_abi_version_fn(void);
typedef int32_t rung_rmsnorm_fn(const rung_rmsnorm_args*);
typedef int32_t rung_rope_fn(const rung_rope_args*);
typedef int32_t rung_softmax_fn(const rung_softmax_args*);
typedef int32_t rung_attention_fn(const rung_attention_args*);
typedef int32_t rung_swiglu_fn(const rung_swiglu_args*);
typedef int32_t rung_linear_fn(const rung_linear_args*);
/**@}*/

#ifdef __cplusplus
}
#endif

#endif /* RUNG_CORE_CHECK_ABI_H */
