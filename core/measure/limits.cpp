#include "core/measure/limits.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>

#include "core/error.h"
#include "core/measure/clock.h"

namespace rung::measure {
namespace {

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;
constexpr std::size_t huge_page = 2 * mebibyte;

void check_threads(int threads) {
  if (threads < 1) throw Error(ErrorKind::usage, "threads: expected at least 1, found {}", threads);
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<std::uint64_t[], Free>;

/// `count` numbers, on huge pages where the system gives them, so that address translation is not what is
/// measured.
Buffer allocate(std::size_t count) {
  // aligned_alloc wants a multiple of the alignment.
  const std::size_t bytes = (count * sizeof(std::uint64_t) + huge_page - 1) / huge_page * huge_page;
  void* const memory = std::aligned_alloc(huge_page, bytes);
  if (memory == nullptr) {
    throw Error(ErrorKind::full, "read bandwidth: no memory for a buffer of {} MiB", bytes / mebibyte);
  }
  madvise(memory, bytes, MADV_HUGEPAGE);  // a hint: nothing depends on its being taken
  return Buffer(static_cast<std::uint64_t*>(memory));
}

/// Sum of all numbers, modulo 2^64. Integers, because a compiler may not reorder a sum of floats, and would
/// be left with one slow chain of additions. Four streams keep more of the prefetchers busy than one.
// [sum]
std::uint64_t sum(std::span<const std::uint64_t> numbers) {
  const std::size_t quarter = numbers.size() / 4;
  const std::uint64_t* const p = numbers.data();
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  for (std::size_t i = 0; i < quarter; ++i) {
    a += p[i];
    b += p[quarter + i];
    c += p[2 * quarter + i];
    d += p[3 * quarter + i];
  }
  return a + b + c + d;
}
// [sum]

// One vector register of this build's instruction set, as GCC and clang both spell it.
#if defined(__AVX512F__)
constexpr std::size_t vector_bytes = 64;
constexpr int accumulators = 20;  // of 32 registers
#elif defined(__AVX__)
constexpr std::size_t vector_bytes = 32;
constexpr int accumulators = 12;  // of 16 registers
#else
constexpr std::size_t vector_bytes = 16;
constexpr int accumulators = 12;
#endif
typedef float VectorRegister __attribute__((vector_size(vector_bytes)));
constexpr int lanes = static_cast<int>(vector_bytes / sizeof(float));

/// `rounds` fused multiply-adds on each of `accumulators` independent chains: an FMA takes four or five
/// cycles and up to two start in every cycle, so ten chains or more keep the units busy.
float multiply_add(std::int64_t rounds, float start) {
  VectorRegister chain[accumulators];
  for (int i = 0; i < accumulators; ++i) chain[i] = VectorRegister{} + (start + static_cast<float>(i));
  // x ← 0.5 x + 1 goes to 2: never denormal, never infinite, both of which can be slow.
  const VectorRegister half = VectorRegister{} + 0.5F;
  const VectorRegister one = VectorRegister{} + 1.0F;
  // [multiply_add]
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 32
    for (int i = 0; i < accumulators; ++i) chain[i] = chain[i] * half + one;
  }
  // [multiply_add]
  float total = 0;
  for (const VectorRegister& each : chain) total += each[0];
  return total;
}

}  // namespace

std::int64_t last_level_cache_bytes() {
  // Not sysconf(): the C library adds up the caches of a whole processor package, of which these cores reach
  // a part.
  std::int64_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    std::int64_t kibibytes = 0;
    char unit = 0;  // "32768K"
    if (file >> kibibytes >> unit && unit == 'K') largest = std::max(largest, kibibytes * 1024);
  }
  return largest > 0 ? largest : 32 * mebibyte;
}

std::int64_t bandwidth_buffer_bytes() {
  return std::clamp(8 * last_level_cache_bytes(), 256 * mebibyte, 1024 * mebibyte);
}

double read_bandwidth(int threads, double seconds, std::int64_t buffer_bytes) {
  check_threads(threads);
  if (buffer_bytes / threads < 4096) {
    throw Error(ErrorKind::usage,
                "read bandwidth: expected a buffer of 4 KiB or more a thread, found {} bytes for {}",
                buffer_bytes, threads);
  }
  const std::size_t count = static_cast<std::size_t>(buffer_bytes) / sizeof(std::uint64_t);
  const Buffer buffer = allocate(count);
  const std::size_t part = count / static_cast<std::size_t>(threads);
  const double bytes = static_cast<double>(part * static_cast<std::size_t>(threads) * sizeof(std::uint64_t));

  // Each thread first writes its own part: that puts real pages behind it (untouched ones are all the same
  // page of zeros), near the thread on machines with several memories.
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; ++t) {
    std::uint64_t* const own = buffer.get() + part * static_cast<std::size_t>(t);
    for (std::size_t i = 0; i < part; ++i) own[i] = i;
  }

  std::vector<double> rates;
  volatile std::uint64_t used = 0;  // so that the sums must be computed
  const Stopwatch whole;
  while (rates.size() < 3 || whole.seconds() < seconds) {
    std::uint64_t total = 0;
    const Stopwatch pass;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : total)
    for (int t = 0; t < threads; ++t) {
      total += sum({buffer.get() + part * static_cast<std::size_t>(t), part});
    }
    rates.push_back(bytes / pass.seconds());
    used = used + total;
  }
  return median(rates);
}

double fma_peak(int threads, double seconds) {
  check_threads(threads);
  constexpr std::int64_t rounds = 200'000;  // about a millisecond
  const double flops = 2.0 * lanes * accumulators * static_cast<double>(rounds) * threads;
  double best = 0;
  volatile float used = 0;  // so that the chains must be computed, from numbers unknown to the compiler
  const Stopwatch whole;
  for (int round = 0; round < 3 || whole.seconds() < seconds; ++round) {
    const float start = used;
    float total = 0;
    const Stopwatch pass;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : total)
    for (int t = 0; t < threads; ++t) total += multiply_add(rounds, start + static_cast<float>(t));
    best = std::max(best, flops / pass.seconds());
    used = total;
  }
  return best;
}

}  // namespace rung::measure
