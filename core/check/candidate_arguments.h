#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/candidate_protocol.h"

namespace rung::check {

/// One array of a call as it lies in the shared memory, between guard bands that hold NaN in every
/// type.
struct ArenaBlock {
  std::string name;
  std::size_t offset = 0;  ///< of its first byte; a multiple of 64
  std::size_t bytes = 0;
  const std::byte* before = nullptr;  ///< what it holds before the call
  std::byte* result = nullptr;        ///< where an output goes; null for an input
};

/// A call, laid out: what to copy where, and the struct of abi.h for it.
struct ArenaCall {
  std::vector<ArenaBlock> blocks;
  std::size_t bytes = 0;  ///< of the arena, guard bands and all
  Request request;
};

/// @throws Error (usage) for an op that abi.h does not have
ArenaCall lay_out(const Call& call);

/// Copies the arrays into the arena and fills everything else, up to its end, with the guards' NaN.
void fill(const ArenaCall& call, std::span<std::byte> arena);

/// After the call: that only outputs have changed; then copies those to their places.
/// @param arena  all of it, as fill() got it
/// @throws Error (bad_input) "input x was changed", "wrote 4 bytes past the end of y"
void take_results(const ArenaCall& call, std::span<const std::byte> arena);

}  // namespace rung::check
