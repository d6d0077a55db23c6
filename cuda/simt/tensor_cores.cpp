#include "cuda/simt/tensor_cores.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda/simt/executor.h"
#include "cuda/simt/ptx.h"

namespace rung::simt {

namespace {

Accumulation chosen = Accumulation::nearest;

/// The exponent e of a finite x, 2^e ≤ |x| < 2^(e + 1); that of the smallest normal number for smaller ones.
int exponent_of(double x) {
  return x == 0 ? -126 : std::max(std::ilogb(x), -126);
}

/// c + Σ products, cut as `Accumulation::truncate` says.
float add_truncated(float c, const double* products, int count) {
  double plain = c;
  int largest = c == 0 ? -1000 : exponent_of(c);
  for (int i = 0; i < count; ++i) {
    plain += products[i];
    if (products[i] != 0 && std::isfinite(products[i])) largest = std::max(largest, exponent_of(products[i]));
  }
  if (!std::isfinite(plain)) return static_cast<float>(plain);
  if (largest == -1000) return static_cast<float>(plain);  // zeros
  // In units of the last bit that is kept, all are integers below 2^26.
  const double unit = std::ldexp(1.0, largest - 24);
  double sum = std::trunc(static_cast<double>(c) / unit);
  for (int i = 0; i < count; ++i) sum += std::trunc(products[i] / unit);
  const double exact = sum * unit;
  auto cut = static_cast<float>(exact);
  if (std::fabs(static_cast<double>(cut)) > std::fabs(exact)) cut = std::nextafter(cut, 0.0f);
  return cut;
}

}  // namespace

Accumulation accumulation() {
  return chosen;
}

void set_accumulation(Accumulation accumulation) {
  chosen = accumulation;
}

namespace detail {

void multiply_add(float* d, const float* a, const float* b, int m, int n, int k) {
  if (chosen == Accumulation::nearest) {
    for (int i = 0; i < m; ++i) {
      for (int l = 0; l < k; ++l) {
        for (int j = 0; j < n; ++j) d[i * n + j] += a[i * k + l] * b[l * n + j];
      }
    }
    return;
  }
  constexpr int group = 8;
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int l = 0; l < k; l += group) {
        double products[group];
        for (int t = 0; t < group; ++t) {
          products[t] = static_cast<double>(a[i * k + l + t]) * static_cast<double>(b[(l + t) * n + j]);
        }
        d[i * n + j] = add_truncated(d[i * n + j], products, group);
      }
    }
  }
}

}  // namespace detail
}  // namespace rung::simt

namespace rung::ptx {

namespace {

using simt::MemoryEvent;
using simt::WarpOp;
using simt::Where;
using simt::detail::arrive;
using simt::detail::Collective;

// Where elements lie (PTX ISA, "Warp-level matrix instructions"). With g = lane / 4 and t = lane % 4:
//   A, 16 bits:  register r, half h:  row g + 8 (r % 2),  column 2 t + 8 (r / 2) + h
//   B, 16 bits:  register r, half h:  row 2 t + 8 r + h,  column g
//   A, 8 bits:   register r, byte b:  row g + 8 (r % 2),  column 4 t + 16 (r / 2) + b
//   B, 8 bits:   register r, byte b:  row 4 t + 16 r + b, column g
//   C and D:     number i:            row g + 8 (i / 2),  column 2 t + i % 2

/// One lane's part of an mma.
template <typename Sum>
struct Mma {
  Sum* d;
  const unsigned *a, *b;
};

template <float (*value)(std::uint16_t)>
void complete_mma(void* const arguments[32], unsigned) {
  float a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Mma<float>*>(arguments[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned h = 0; h < 2; ++h) {
      for (unsigned r = 0; r < 4; ++r) {
        a[g + 8 * (r % 2)][2 * t + 8 * (r / 2) + h] = value(static_cast<std::uint16_t>(mine.a[r] >> 16 * h));
      }
      for (unsigned r = 0; r < 2; ++r)
        b[2 * t + 8 * r + h][g] = value(static_cast<std::uint16_t>(mine.b[r] >> 16 * h));
    }
    for (unsigned i = 0; i < 4; ++i) d[g + 8 * (i / 2)][2 * t + i % 2] = mine.d[i];
  }
  simt::detail::multiply_add(&d[0][0], &a[0][0], &b[0][0], 16, 8, 16);
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Mma<float>*>(arguments[lane]);
    for (unsigned i = 0; i < 4; ++i) mine.d[i] = d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2];
  }
}

void complete_integer_mma(void* const arguments[32], unsigned) {
  int a[16][32], b[32][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Mma<int>*>(arguments[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned y = 0; y < 4; ++y) {
      for (unsigned r = 0; r < 4; ++r) {
        a[g + 8 * (r % 2)][4 * t + 16 * (r / 2) + y] = static_cast<std::int8_t>(mine.a[r] >> 8 * y);
      }
      for (unsigned r = 0; r < 2; ++r)
        b[4 * t + 16 * r + y][g] = static_cast<std::int8_t>(mine.b[r] >> 8 * y);
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const Mma<int>*>(arguments[lane]);
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
      int sum = 0;  // at most 32 · 2^14
      for (unsigned k = 0; k < 32; ++k) sum += a[row][k] * b[k][column];
      mine.d[i] = static_cast<int>(static_cast<unsigned>(mine.d[i]) + static_cast<unsigned>(sum));
    }
  }
}

constexpr Collective mma_half{WarpOp::mma, "mma.m16n8k16 (fp16)", complete_mma<simt::detail::half_value>,
                              true};
constexpr Collective mma_bfloat16{WarpOp::mma, "mma.m16n8k16 (bf16)",
                                  complete_mma<simt::detail::bfloat16_value>, true};
constexpr Collective mma_integer{WarpOp::mma, "mma.m16n8k32 (s8)", complete_integer_mma, true};

/// One lane's part of an ldmatrix.
struct LoadMatrix {
  unsigned* registers;
  const void* row;
};

// Lane l receives elements (l / 4, 2 (l % 4)) and the one to its right of each matrix; transposed, the one below.
template <unsigned count, bool transposed>
void complete_ldmatrix(void* const arguments[32], unsigned) {
  std::uint16_t matrices[count][8][8];  // read before anything is written: a row may lie where a register is
  for (unsigned i = 0; i < count; ++i) {
    for (unsigned j = 0; j < 8; ++j) {
      std::memcpy(matrices[i][j], static_cast<const LoadMatrix*>(arguments[8 * i + j])->row, 16);
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned row = lane / 4, column = lane % 4 * 2;
    for (unsigned i = 0; i < count; ++i) {
      const auto& m = matrices[i];
      const unsigned low = transposed ? m[column][row] : m[row][column];
      const unsigned high = transposed ? m[column + 1][row] : m[row][column + 1];
      static_cast<const LoadMatrix*>(arguments[lane])->registers[i] = low | high << 16;
    }
  }
}

template <unsigned count, bool transposed>
constexpr const char* ldmatrix_name() {
  if (transposed)
    return count == 4 ? "ldmatrix.x4.trans" : count == 2 ? "ldmatrix.x2.trans" : "ldmatrix.x1.trans";
  return count == 4 ? "ldmatrix.x4" : count == 2 ? "ldmatrix.x2" : "ldmatrix.x1";
}

template <unsigned count, bool transposed>
constexpr Collective ldmatrix_collective{WarpOp::ldmatrix, ldmatrix_name<count, transposed>(),
                                         complete_ldmatrix<count, transposed>, true};

template <unsigned count, bool transposed>
void ldmatrix(unsigned (&registers)[count], const void* row, Where where, const void* code) {
  const Collective& collective = ldmatrix_collective<count, transposed>;
  if (simt::detail::lane() < 8 * count) {
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
      const simt::detail::Aside here;
      simt::detail::fail_here(
          std::string(collective.name) + " of a row whose address is not a multiple of 16", where);
    }
    if (simt::Observer* watching = simt::observer()) {
      watching->memory_event({MemoryEvent::Kind::read, MemoryEvent::By::ldmatrix, row, 16, where, code});
    }
  }
  LoadMatrix mine{registers, row};
  arrive(collective, &mine, 0xffffffffu, where);
}

}  // namespace

#define CODE __builtin_return_address(0)

void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Where where) {
  Mma<float> mine{d, a, b};
  arrive(mma_half, &mine, 0xffffffffu, where);
}
void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Where where) {
  Mma<float> mine{d, a, b};
  arrive(mma_bfloat16, &mine, 0xffffffffu, where);
}
void mma_m16n8k32_s8(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Where where) {
  Mma<int> mine{d, a, b};
  arrive(mma_integer, &mine, 0xffffffffu, where);
}

void ldmatrix_x4(unsigned (&r)[4], const void* row, Where where) {
  ldmatrix<4, false>(r, row, where, CODE);
}
void ldmatrix_x4_trans(unsigned (&r)[4], const void* row, Where where) {
  ldmatrix<4, true>(r, row, where, CODE);
}
void ldmatrix_x2(unsigned (&r)[2], const void* row, Where where) {
  ldmatrix<2, false>(r, row, where, CODE);
}
void ldmatrix_x2_trans(unsigned (&r)[2], const void* row, Where where) {
  ldmatrix<2, true>(r, row, where, CODE);
}
void ldmatrix_x1(unsigned (&r)[1], const void* row, Where where) {
  ldmatrix<1, false>(r, row, where, CODE);
}
void ldmatrix_x1_trans(unsigned (&r)[1], const void* row, Where where) {
  ldmatrix<1, true>(r, row, where, CODE);
}

}  // namespace rung::ptx
