// Tensor cores: where each element lies, against tables written from the PTX ISA ("Matrix Fragments for mma.m16n8k16 with
// floating point type", "… for mma.m16n8k32", "ldmatrix"), and how sums are formed.

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"
#include "tests/catch.h"
#ifndef __CUDACC__
#include "cuda/simt/tensor_cores.h"
#endif

using rung::simt::device_buffer;
using rung::simt::launch;
namespace ptx = rung::ptx;

namespace {

/// Where an element is: a lane, and which of its elements of that operand (a0, a1, …; the lowest bits of a register first).
struct Place {
  int lane, element;
};

// The PTX ISA gives row and column of each element of a lane; these are the same tables read the other way.
Place place_a16(int row, int column) {
  return {row % 8 * 4 + column % 8 / 2, column % 2 + (row >= 8 ? 2 : 0) + (column >= 8 ? 4 : 0)};
}
Place place_b16(int row, int column) {
  return {column * 4 + row % 8 / 2, row % 2 + (row >= 8 ? 2 : 0)};
}
Place place_a8(int row, int column) {
  return {row % 8 * 4 + column % 16 / 4, column % 4 + (row >= 8 ? 4 : 0) + (column >= 16 ? 8 : 0)};
}
Place place_b8(int row, int column) {
  return {column * 4 + row % 16 / 4, row % 4 + (row >= 16 ? 4 : 0)};
}
Place place_d(int row, int column) {
  return {row % 8 * 4 + column / 2, column % 2 + (row >= 8 ? 2 : 0)};
}

enum class Type { fp16, bf16, s8 };

/// One mma of the registers that are given: 4, 2 and 4 a lane.
__global__ void one_mma(float* d, const unsigned* a, const unsigned* b, Type type) {
  const int lane = threadIdx.x;
  const unsigned ra[4] = {a[4 * lane], a[4 * lane + 1], a[4 * lane + 2], a[4 * lane + 3]};
  const unsigned rb[2] = {b[2 * lane], b[2 * lane + 1]};
  float rd[4];
  int rs[4];
  for (int i = 0; i < 4; ++i) rd[i] = d[4 * lane + i], rs[i] = static_cast<int>(rd[i]);
  switch (type) {
    case Type::fp16:
      ptx::mma_m16n8k16(rd, ra, rb);
      break;
    case Type::bf16:
      ptx::mma_m16n8k16_bf16(rd, ra, rb);
      break;
    case Type::s8:
      ptx::mma_m16n8k32_s8(rs, ra, rb);
      break;
  }
  for (int i = 0; i < 4; ++i) d[4 * lane + i] = type == Type::s8 ? static_cast<float>(rs[i]) : rd[i];
}

unsigned bits_of(float x, Type type) {
  switch (type) {
    case Type::fp16:
      return __half_as_ushort(__float2half(x));
    case Type::bf16:
      return __bfloat16_as_ushort(__float2bfloat16(x));
    default:
      return static_cast<unsigned>(static_cast<int>(x)) & 0xff;
  }
}

using Matrix = std::vector<std::vector<float>>;
using Layout = std::function<Place(int, int)>;

/// The registers of all lanes, for a matrix whose elements lie as `layout` says.
std::vector<unsigned> fragment_of(const Matrix& m, const Layout& layout, int registers, Type type) {
  std::vector<unsigned> held(32 * registers);
  const int per_register = type == Type::s8 ? 4 : 2, bits = 32 / per_register;
  for (int r = 0; r < static_cast<int>(m.size()); ++r) {
    for (int c = 0; c < static_cast<int>(m[r].size()); ++c) {
      const Place p = layout(r, c);
      held[p.lane * registers + p.element / per_register] |= bits_of(m[r][c], type)
                                                             << p.element % per_register * bits;
    }
  }
  return held;
}

/// D = C + A · B by one mma, its fragments laid out as the tables say.
Matrix multiplied(const Matrix& a, const Matrix& b, const Matrix& c, Type type, const Layout& layout_a,
                  const Layout& layout_b, const Layout& layout_d = place_d) {
  device_buffer<unsigned> da(fragment_of(a, layout_a, 4, type)), db(fragment_of(b, layout_b, 2, type));
  std::vector<float> d(128);
  for (int r = 0; r < 16; ++r) {
    for (int n = 0; n < 8; ++n) d[layout_d(r, n).lane * 4 + layout_d(r, n).element] = c[r][n];
  }
  device_buffer<float> dd(d);
  launch("one_mma", one_mma, {.grid = 1, .block = 32}, dd.data(), da.data(), db.data(), type);
  d = dd.download();
  Matrix result(16, std::vector<float>(8));
  for (int r = 0; r < 16; ++r) {
    for (int n = 0; n < 8; ++n) result[r][n] = d[layout_d(r, n).lane * 4 + layout_d(r, n).element];
  }
  return result;
}

Matrix zeros(int rows, int columns) {
  return Matrix(rows, std::vector<float>(columns));
}

/// How many of all one-hot A (times a B whose elements all differ), and of all one-hot B, give a wrong D.
int wrong_one_hots(Type type, const Layout& layout_a, const Layout& layout_b,
                   const Layout& layout_d = place_d) {
  const int k = type == Type::s8 ? 32 : 16;
  Matrix b = zeros(k, 8), a = zeros(16, k), c = zeros(16, 8);
  // Distinct as far as the type can hold that: in int8 the columns of B, and the rows of A, differ where it matters.
  for (int i = 0; i < k; ++i) {
    for (int n = 0; n < 8; ++n) b[i][n] = static_cast<float>((i * 8 + n) % 127 - (type == Type::s8 ? 63 : 0));
  }
  for (int r = 0; r < 16; ++r) {
    for (int i = 0; i < k; ++i) a[r][i] = static_cast<float>((r * k + i) % 127 + 1);
  }
  int wrong = 0;
  for (int r = 0; r < 16; ++r) {
    for (int i = 0; i < k; ++i) {
      Matrix one = zeros(16, k), expected = c;
      one[r][i] = 1;
      expected[r] = b[i];
      wrong += multiplied(one, b, c, type, layout_a, layout_b, layout_d) != expected;
    }
  }
  for (int i = 0; i < k; ++i) {
    for (int n = 0; n < 8; ++n) {
      Matrix one = zeros(k, 8), expected = c;
      one[i][n] = 1;
      for (int r = 0; r < 16; ++r) expected[r][n] = a[r][i];
      wrong += multiplied(a, one, c, type, layout_a, layout_b, layout_d) != expected;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("simt: mma.m16n8k16 has its elements where the PTX ISA says", "[simt]") {
  CHECK(wrong_one_hots(Type::fp16, place_a16, place_b16) == 0);
  CHECK(wrong_one_hots(Type::bf16, place_a16, place_b16) == 0);
}

TEST_CASE("simt: mma.m16n8k32 has its elements where the PTX ISA says", "[simt]") {
  CHECK(wrong_one_hots(Type::s8, place_a8, place_b8) == 0);
}

TEST_CASE("simt: layouts that one could take for the right ones fail", "[simt]") {
  // The second and third register of A the other way round, as in a row-major reading of its quarters.
  const Layout swapped = [](int r, int c) {
    const Place p = place_a16(r, c);
    const int quarter = p.element / 2;
    return Place{p.lane, p.element % 2 + 2 * (quarter == 1 ? 2 : quarter == 2 ? 1 : quarter)};
  };
  CHECK(wrong_one_hots(Type::fp16, swapped, place_b16) > 0);
  // B with a lane's pair along its columns.
  const Layout transposed = [](int r, int c) { return Place{r % 8 * 4 + c / 2, c % 2 + (r >= 8 ? 2 : 0)}; };
  CHECK(wrong_one_hots(Type::fp16, place_a16, transposed) > 0);
  // D with its rows eight apart in neighbouring numbers.
  const Layout interleaved = [](int r, int c) {
    return Place{r % 8 * 4 + c / 2, (r >= 8 ? 1 : 0) + 2 * (c % 2)};
  };
  CHECK(wrong_one_hots(Type::fp16, place_a16, place_b16, interleaved) > 0);
  // int8 as if it were 16 bits wide.
  const Layout pairs = [](int r, int c) {
    return Place{r % 8 * 4 + c % 8 / 2, c % 2 + (r >= 8 ? 2 : 0) + c / 8 * 4};
  };
  CHECK(wrong_one_hots(Type::s8, pairs, place_b8) > 0);
}

TEST_CASE("simt: mma adds to what is there, and int32 wraps", "[simt]") {
  Matrix a = zeros(16, 16), b = zeros(16, 8), c = zeros(16, 8);
  for (int r = 0; r < 16; ++r) {
    for (int n = 0; n < 8; ++n) c[r][n] = static_cast<float>(r * 8 + n);
  }
  a[3][5] = 2;
  b[5][1] = 10;
  Matrix expected = c;
  expected[3][1] += 20;
  CHECK(multiplied(a, b, c, Type::fp16, place_a16, place_b16) == expected);
  CHECK(multiplied(a, b, c, Type::bf16, place_a16, place_b16) == expected);
}

namespace {

__global__ void wrapping_mma(int* d) {
  int rd[4] = {0x7fffffff, -0x7fffffff - 1, 0, 5};
  const unsigned a[4] = {0x80808080u, 0x80808080u, 0x80808080u, 0x80808080u},
                 b[2] = {0x80808080u, 0x80808080u};
  ptx::mma_m16n8k32_s8(rd, a, b);
  if (threadIdx.x == 9) {
    for (int i = 0; i < 4; ++i) d[i] = rd[i];
  }
}

}  // namespace

TEST_CASE("simt: the sums of int8 products wrap", "[simt]") {
  device_buffer<int> d(4);
  launch("wrapping_mma", wrapping_mma, {.grid = 1, .block = 32}, d.data());
  const int product = 32 * 128 * 128;
  CHECK(d.download() ==
        std::vector<int>{-0x7fffffff - 1 + product - 1, -0x7fffffff - 1 + product, product, 5 + product});
}

#ifndef __CUDACC__  // what a GPU does is its own
TEST_CASE("simt: how tensor cores form sums", "[simt]") {
  using rung::simt::Accumulation;
  const auto summed = [](float c, const std::vector<float>& products, Accumulation how) {
    rung::simt::set_accumulation(how);
    Matrix a = zeros(16, 16), b = zeros(16, 8), d = zeros(16, 8);
    d[2][3] = c;
    for (std::size_t k = 0; k < products.size(); ++k) {
      // bfloat16 has fp32's exponents; 2^-12 or so goes to A and the rest to B.
      a[2][k] = products[k] == 0 ? 0 : std::ldexp(1.0f, std::ilogb(products[k]) / 2);
      b[k][3] = products[k] == 0 ? 0 : products[k] / a[2][k];
    }
    const float result = multiplied(a, b, d, Type::bf16, place_a16, place_b16)[2][3];
    rung::simt::set_accumulation(Accumulation::nearest);
    return result;
  };
  const float ulp = std::ldexp(1.0f, -23);  // of numbers from 1 to 2
  // k ascending, one after the other, each sum to nearest: two times three quarters of an ulp are two ulp, …
  CHECK(summed(1, {0.75f * ulp, 0.75f * ulp}, Accumulation::nearest) == 1 + 2 * ulp);
  // … a quarter is lost each time (a sum of the products first would keep it), …
  CHECK(summed(1, std::vector<float>(16, 0.25f * ulp), Accumulation::nearest) == 1);
  // … and c comes first: 2^24 + 1 - 2^24 is 0, or 1 where the products come first.
  CHECK(summed(std::ldexp(1.0f, 24), {1, -std::ldexp(1.0f, 24)}, Accumulation::nearest) == 0);

  // Cut: eight at a time, one bit below fp32's last is kept: half an ulp counts, a quarter does not.
  CHECK(summed(1, {0.75f * ulp, 0.75f * ulp}, Accumulation::truncate) == 1 + ulp);
  CHECK(summed(1, {0.75f * ulp}, Accumulation::truncate) == 1);
  CHECK(summed(1, std::vector<float>(3, 0.5f * ulp), Accumulation::truncate) ==
        1 + ulp);  // 1.5 ulp: cut, not rounded
  CHECK(summed(1, std::vector<float>(16, 0.25f * ulp), Accumulation::truncate) == 1);
  CHECK(summed(1, std::vector<float>(8, 0.5f * ulp), Accumulation::truncate) == 1 + 4 * ulp);
  CHECK(summed(-1, {-0.75f * ulp}, Accumulation::truncate) == -1);  // toward zero, not down
  CHECK(summed(std::ldexp(1.0f, 24), {1, -std::ldexp(1.0f, 24)}, Accumulation::truncate) == 1);
  // The second eight find the first eight's sum cut to fp32.
  std::vector<float> two_groups(16);
  two_groups[0] = 0.5f * ulp;
  two_groups[8] = 0.5f * ulp;
  CHECK(summed(1, two_groups, Accumulation::truncate) == 1);
  // Plain sums are exact either way, subnormals included.
  const float tiny = std::ldexp(1.0f, -140);
  for (const auto how : {Accumulation::nearest, Accumulation::truncate}) {
    CHECK(summed(3, {4, 5, -6}, how) == 6);
    CHECK(summed(0, {}, how) == 0);
    CHECK(summed(0, {tiny, tiny, tiny}, how) == 3 * tiny);
    CHECK(std::isinf(summed(INFINITY, {1}, how)));
    CHECK(std::isnan(summed(NAN, {1}, how)));
  }
}
#endif

namespace {

/// Loads with ldmatrix from a tile of eight columns, four matrices of rows 0-7, 8-15, 16-23 and 24-31.
__global__ void load_matrices(unsigned* out, int count, bool transposed) {
  __shared__ __align__(16) unsigned short tile[32][8];
  const int lane = threadIdx.x;
  for (int c = 0; c < 8; ++c) tile[lane][c] = static_cast<unsigned short>(lane * 8 + c);
  __syncwarp();
  unsigned r4[4] = {}, r2[2] = {}, r1[1] = {};
  // Lanes whose address is not used give one that must not be read.
  const void* row = lane < 8 * count ? static_cast<const void*>(tile[lane]) : nullptr;
  if (count == 4) transposed ? ptx::ldmatrix_x4_trans(r4, row) : ptx::ldmatrix_x4(r4, row);
  if (count == 2) transposed ? ptx::ldmatrix_x2_trans(r2, row) : ptx::ldmatrix_x2(r2, row);
  if (count == 1) transposed ? ptx::ldmatrix_x1_trans(r1, row) : ptx::ldmatrix_x1(r1, row);
  for (int i = 0; i < count; ++i) out[4 * lane + i] = count == 4 ? r4[i] : count == 2 ? r2[i] : r1[i];
}

}  // namespace

TEST_CASE("simt: ldmatrix gives each lane what the PTX ISA says", "[simt]") {
  device_buffer<unsigned> out(128);
  int wrong = 0;
  for (const int count : {1, 2, 4}) {
    for (const bool transposed : {false, true}) {
      launch("load_matrices", load_matrices, {.grid = 1, .block = 32}, out.data(), count, transposed);
      const auto got = out.download();
      for (int i = 0; i < count; ++i) {
        for (int row = 0; row < 8; ++row) {
          for (int pair = 0; pair < 4; ++pair) {
            // Row `row` of matrix i goes to lanes 4 row to 4 row + 3, two elements each.
            const auto element = [&](int r, int c) {
              return unsigned(transposed ? (8 * i + c) * 8 + r : (8 * i + r) * 8 + c);
            };
            wrong +=
                got[4 * (4 * row + pair) + i] != (element(row, 2 * pair) | element(row, 2 * pair + 1) << 16);
          }
        }
      }
    }
  }
  CHECK(wrong == 0);
}

namespace {

template <typename T, typename LayoutA, typename LayoutB>
__global__ void one_wmma(float* d, const T* a, const T* b, const float* c, nvcuda::wmma::layout_t layout,
                         unsigned leading) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, T, LayoutA> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, T, LayoutB> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc, fd;
  wmma::load_matrix_sync(fa, a, leading);
  wmma::load_matrix_sync(fb, b, leading);
  wmma::load_matrix_sync(fc, c, leading, layout);
  wmma::mma_sync(fd, fa, fb, fc);
  for (int i = 0; i < fd.num_elements; ++i) fd.x[i] *= 2.0f;  // elementwise work is allowed on any layout
  wmma::store_matrix_sync(d, fd, leading, layout);
}

template <typename T, typename LayoutA, typename LayoutB>
int wrong_wmma(nvcuda::wmma::layout_t layout) {
  using nvcuda::wmma::col_major;
  constexpr int leading = 24;
  std::mt19937 generator(8);
  std::vector<T> a, b;
  std::vector<float> c;
  for (int i = 0; i < 16 * leading; ++i) {
    a.push_back(T(static_cast<float>(generator() % 9) - 4));
    b.push_back(T(static_cast<float>(generator() % 9) - 4));
    c.push_back(static_cast<float>(generator() % 9) - 4);
  }
  device_buffer<T> da(a), db(b);
  device_buffer<float> dc(c), dd(std::vector<float>(16 * leading, -77));
  launch("one_wmma", one_wmma<T, LayoutA, LayoutB>, {.grid = 1, .block = 32}, dd.data(), da.data(), db.data(),
         dc.data(), layout, leading);
  const auto d = dd.download();
  const auto at = [](bool columns, int r, int k) { return columns ? k * leading + r : r * leading + k; };
  const bool columns_d = layout == nvcuda::wmma::mem_col_major;
  int wrong = 0;
  for (int r = 0; r < 16; ++r) {
    for (int n = 0; n < 16; ++n) {
      float sum = c[at(columns_d, r, n)];
      for (int k = 0; k < 16; ++k) {
        sum += static_cast<float>(a[at(std::is_same_v<LayoutA, col_major>, r, k)]) *
               static_cast<float>(b[at(std::is_same_v<LayoutB, col_major>, k, n)]);
      }
      wrong += d[at(columns_d, r, n)] != 2 * sum;
    }
  }
  for (int r = 0; r < 16; ++r) {
    for (int n = 16; n < leading; ++n) wrong += d[r * leading + n] != -77;  // what is beside it is left alone
  }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("simt: wmma with every layout", "[simt]", __half, __nv_bfloat16) {
  using nvcuda::wmma::col_major;
  using nvcuda::wmma::row_major;
  for (const auto layout : {nvcuda::wmma::mem_row_major, nvcuda::wmma::mem_col_major}) {
    CHECK(wrong_wmma<TestType, row_major, row_major>(layout) == 0);
    CHECK(wrong_wmma<TestType, row_major, col_major>(layout) == 0);
    CHECK(wrong_wmma<TestType, col_major, row_major>(layout) == 0);
    CHECK(wrong_wmma<TestType, col_major, col_major>(layout) == 0);
  }
}
