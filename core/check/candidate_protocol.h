#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rung::check {

// What the harness and the process that runs a candidate library say to each other: fixed-size messages over
// a SOCK_SEQPACKET pair, arrays in an arena of shared memory. Both are built from the same source, so no
// version.

/// The ops of core/check/abi.h, in the order of the bits of Hello::ops.
inline constexpr std::array<std::string_view, 6> abi_ops{"rmsnorm",   "rope",   "softmax",
                                                         "attention", "swiglu", "linear"};

/// The host's first message: what it found in the library.
struct Hello {
  std::uint32_t ops = 0;          ///< bit i: abi_ops[i] is exported
  std::uint32_t version = 0;      ///< what rung_abi_version() returned
  std::int32_t has_version = 0;   ///< 0: it has no rung_abi_version()
  std::int32_t loaded = 0;        ///< 0: `error` says why not
  std::array<char, 480> error{};  ///< ends with a 0
};

/// A call. The arguments are the op's struct of abi.h, in which pointers into the arena are offsets from its
/// start: the arena lies at another address in the host.
struct Request {
  std::uint64_t arena_bytes = 0;  ///< its size by now; it only grows
  std::uint32_t op = 0;           ///< index into abi_ops
  std::uint32_t arguments_bytes = 0;
  std::uint32_t pointers = 0;
  std::array<std::uint32_t, 8> pointer_at{};  ///< where in `arguments` the pointers are
  alignas(8) std::array<unsigned char, 256> arguments{};
};

/// The call came back.
struct Reply {
  std::int32_t result = 0;
};

}  // namespace rung::check
