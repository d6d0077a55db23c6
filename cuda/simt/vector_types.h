#pragma once

// CUDA's small vectors. Each copies as ONE load or store of its whole size, as on a GPU, whatever the optimiser would
// make of a plain struct: hence the copy constructors, which go through a member that holds all of it.

/// Three unsigned numbers: threadIdx, blockIdx.
struct uint3 {
  unsigned x, y, z;
};

/// Extents of a grid or a block; what is left out is 1.
struct dim3 {
  unsigned x, y, z;
  // NOLINTNEXTLINE(google-explicit-constructor): CUDA writes a plain number for a one-dimensional extent.
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wpedantic"  // a struct without a name in a union: GNU C++, as CUDA's headers have it

#define RUNG_SIMT_VECTOR2(NAME, T, BYTES)                     \
  struct __attribute__((aligned(BYTES), may_alias)) NAME {    \
    typedef T whole_type __attribute__((vector_size(BYTES))); \
    union {                                                   \
      whole_type whole;                                       \
      struct {                                                \
        T x, y;                                               \
      };                                                      \
    };                                                        \
    NAME() = default;                                         \
    constexpr NAME(T x_, T y_) : whole{x_, y_} {}             \
    NAME(const NAME& other) : whole(other.whole) {}           \
    NAME& operator=(const NAME& other) {                      \
      whole = other.whole;                                    \
      return *this;                                           \
    }                                                         \
  };                                                          \
  inline NAME make_##NAME(T x, T y) {                         \
    return NAME(x, y);                                        \
  }

#define RUNG_SIMT_VECTOR4(NAME, T, BYTES)                             \
  struct __attribute__((aligned(BYTES), may_alias)) NAME {            \
    typedef T whole_type __attribute__((vector_size(BYTES)));         \
    union {                                                           \
      whole_type whole;                                               \
      struct {                                                        \
        T x, y, z, w;                                                 \
      };                                                              \
    };                                                                \
    NAME() = default;                                                 \
    constexpr NAME(T x_, T y_, T z_, T w_) : whole{x_, y_, z_, w_} {} \
    NAME(const NAME& other) : whole(other.whole) {}                   \
    NAME& operator=(const NAME& other) {                              \
      whole = other.whole;                                            \
      return *this;                                                   \
    }                                                                 \
  };                                                                  \
  inline NAME make_##NAME(T x, T y, T z, T w) {                       \
    return NAME(x, y, z, w);                                          \
  }

RUNG_SIMT_VECTOR2(float2, float, 8)
RUNG_SIMT_VECTOR2(int2, int, 8)
RUNG_SIMT_VECTOR2(uint2, unsigned, 8)
RUNG_SIMT_VECTOR4(float4, float, 16)
RUNG_SIMT_VECTOR4(int4, int, 16)
RUNG_SIMT_VECTOR4(uint4, unsigned, 16)
RUNG_SIMT_VECTOR4(char4, signed char, 4)

#undef RUNG_SIMT_VECTOR2
#undef RUNG_SIMT_VECTOR4
#pragma GCC diagnostic pop
