#pragma once

#include <bit>

#include "cuda/simt/collective.h"
#include "cuda/simt/keywords.h"

// What the lanes of a warp do together. A mask names the lanes that take part; each of them must come, with the same mask.
// Lanes that a partial warp does not have, and lanes that have returned from the kernel, are not waited for.

namespace rung::simt::detail {

/// One lane's part of a shuffle.
template <typename T>
struct Shuffled {
  T value;        ///< given, then received
  unsigned from;  ///< the lane to read
  Where where;
};

[[noreturn]] void fail_shuffle(unsigned lane, unsigned from, unsigned mask, const char* name, Where where);

template <typename T>
RUNG_SIMT_NO_HOOKS void complete_shuffle(void* const arguments[32], unsigned mask, const char* name) {
  T values[32];
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (arguments[lane] != nullptr) values[lane] = static_cast<Shuffled<T>*>(arguments[lane])->value;
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    auto* mine = static_cast<Shuffled<T>*>(arguments[lane]);
    if (mine == nullptr) continue;
    if (arguments[mine->from] == nullptr) fail_shuffle(lane, mine->from, mask, name, mine->where);
    mine->value = values[mine->from];
  }
}

// A descriptor for each name and type. The kinds are an enum, since a string cannot be a template's argument.
enum class ShuffleKind { any, up, down, exclusive_or };

constexpr const char* shuffle_name(ShuffleKind kind) {
  switch (kind) {
    case ShuffleKind::any:
      return "__shfl_sync";
    case ShuffleKind::up:
      return "__shfl_up_sync";
    case ShuffleKind::down:
      return "__shfl_down_sync";
    case ShuffleKind::exclusive_or:
      break;
  }
  return "__shfl_xor_sync";
}

template <typename T, ShuffleKind kind>
inline constexpr Collective shuffle_collective{WarpOp::shuffle, shuffle_name(kind),
                                               [](void* const arguments[32], unsigned mask) {
                                                 complete_shuffle<T>(arguments, mask, shuffle_name(kind));
                                               }};

template <ShuffleKind kind, typename T>
T shuffle(unsigned mask, T value, unsigned from, Where where) {
  Shuffled<T> mine{value, from, where};
  arrive(shuffle_collective<T, kind>, &mine, mask, where);
  return mine.value;
}

/// Fails unless a shuffle's width is 1, 2, 4, 8, 16 or 32.
inline void check_width(int width, Where where) {
  if (width < 1 || width > 32 || !std::has_single_bit(static_cast<unsigned>(width))) {
    fail_here("a shuffle of width " + std::to_string(width) + "; it must be a power of two up to 32", where);
  }
}

/// Bit i: the predicate of lane i.
unsigned ballot(unsigned mask, bool predicate, Where where);
unsigned match_any(unsigned mask, unsigned long long value, Where where);

}  // namespace rung::simt::detail

/// Waits for the lanes of `mask`; what they wrote to memory before is seen by all of them after.
void __syncwarp(unsigned mask = 0xffffffffu, rung::simt::Where where = rung::simt::Where::here());

/// The value of lane `source` of this lane's group of `width` lanes; `source` counts modulo width.
template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              rung::simt::Where where = rung::simt::Where::here()) {
  using namespace rung::simt::detail;
  check_width(width, where);
  const unsigned group = lane() & ~(static_cast<unsigned>(width) - 1);
  return shuffle<ShuffleKind::any>(mask, value, group + (static_cast<unsigned>(source) & (width - 1)), where);
}

/// The value of the lane whose number is this one's exclusive-or `bits`; this lane's own where that lies in a later group
/// of `width` lanes.
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  rung::simt::Where where = rung::simt::Where::here()) {
  using namespace rung::simt::detail;
  check_width(width, where);
  const unsigned own = lane(), from = (own ^ static_cast<unsigned>(bits)) & 31;
  const unsigned last = own | (static_cast<unsigned>(width) - 1);
  return shuffle<ShuffleKind::exclusive_or>(mask, value, from <= last ? from : own, where);
}

/// The value of the lane `delta` further up; this lane's own where that is past its group of `width` lanes.
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   rung::simt::Where where = rung::simt::Where::here()) {
  using namespace rung::simt::detail;
  check_width(width, where);
  const unsigned own = lane(), last = own | (static_cast<unsigned>(width) - 1);
  return shuffle<ShuffleKind::down>(mask, value, delta <= last - own ? own + delta : own, where);
}

/// The value of the lane `delta` further down; this lane's own where that is before its group of `width` lanes.
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 rung::simt::Where where = rung::simt::Where::here()) {
  using namespace rung::simt::detail;
  check_width(width, where);
  const unsigned own = lane(), in_group = own & (static_cast<unsigned>(width) - 1);
  return shuffle<ShuffleKind::up>(mask, value, delta <= in_group ? own - delta : own, where);
}

/// Bit i is set where lane i takes part and its predicate is not 0.
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              rung::simt::Where where = rung::simt::Where::here()) {
  return rung::simt::detail::ballot(mask, predicate != 0, where);
}
/// Whether the predicate of any lane is not 0.
int __any_sync(unsigned mask, int predicate, rung::simt::Where where = rung::simt::Where::here());
/// Whether the predicates of all lanes that take part are not 0.
int __all_sync(unsigned mask, int predicate, rung::simt::Where where = rung::simt::Where::here());
/// The lanes with this lane's value.
template <typename T>
unsigned __match_any_sync(unsigned mask, T value, rung::simt::Where where = rung::simt::Where::here()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (sizeof(T) == 4) {
    return rung::simt::detail::match_any(mask, std::bit_cast<unsigned>(value), where);
  } else {
    return rung::simt::detail::match_any(mask, std::bit_cast<unsigned long long>(value), where);
  }
}
/// Lanes do not run in lockstep here, nor on a GPU since compute capability 7.0: a kernel must know its mask.
unsigned __activemask() = delete;
