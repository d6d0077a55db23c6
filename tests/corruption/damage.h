#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tests/support/checkpoint_files.h"

namespace rung::support {

/// Random numbers that are the same on every platform (the standard's distributions are not).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : bits_(seed) {}
  std::uint64_t bits() { return bits_(); }
  /// 0 <= result < n
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits_() % n); }

 private:
  std::mt19937_64 bits_;
};

/// A number that readers trip over: 0, 1, around powers of two, around `size`, the largest ones.
std::uint64_t odd_number(Dice& dice, std::uint64_t size);

/// Damages bytes as disks and networks do, and as somebody who looks for weaknesses does: cuts them off,
/// flips bits, overwrites, inserts, removes, repeats, puts odd numbers in.
/// @param head  where damage says most: the first `head` bytes are hit most often
/// @return what was done
std::string damage_bytes(Bytes& bytes, std::size_t head, Dice& dice);

/// Makes the file lie about one thing, everything else in order: counts, extents, offsets, types, names,
/// metadata, the tokenizer, numbers that are not finite.
/// @return what was done
std::string lie(GgufFile& file, Dice& dice);
std::string lie(SafetensorsFile& file, Dice& dice);

/// Replaces, removes or repeats one value somewhere inside.
std::string lie(nlohmann::json& json, Dice& dice);

}  // namespace rung::support
