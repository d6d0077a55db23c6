#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cuda/simt/profile/request.h"

namespace rung::simt::profiling {

/// What a lane did, in one word: a kind and a place in the program (bytes from the start of the executable).
class Token {
 public:
  /// What the lane did.
  enum class Kind : std::uint8_t {
    block,       ///< entered a basic block
    access,      ///< touched memory; takes one Operand
    call,        ///< entered a function; the place is the caller's
    leave,       ///< left it
    rendezvous,  ///< took part in a collective of its warp; takes one Operand, whose place it is
  };

  static constexpr unsigned place_bits = 29;
  static constexpr std::uint32_t most_places = 1U << place_bits;

  constexpr Token() = default;
  /// Of a kind, at a place below most_places.
  constexpr Token(Kind kind, std::uint32_t place)
      : word_(static_cast<std::uint32_t>(kind) << place_bits | (place & (most_places - 1))) {}
  /// What the lane did.
  constexpr Kind kind() const { return static_cast<Kind>(word_ >> place_bits); }
  /// Where.
  constexpr std::uint32_t place() const { return word_ & (most_places - 1); }
  constexpr bool operator==(const Token&) const = default;

 private:
  std::uint32_t word_ = 0;
};

/// What an access does to the memory it names.
enum class AccessType : std::uint8_t {
  load,
  store,
  atomic,
  copy_source,       ///< read by cp.async
  copy_destination,  ///< named by cp.async: written some time before the wait
  copy_done,         ///< written, now that the lane has waited; no request of its own
  copy_dropped,      ///< never waited for; no request of its own
  fence,             ///< no access: __threadfence
  rendezvous,  ///< no access: a collective; the address is the mask, the bytes are 1 when it orders memory
};

/// What an access names: an address, a width and a type, in 8 bytes.
class Operand {
 public:
  constexpr Operand() = default;
  /// At most 255 bytes, at an address of 48 bits.
  constexpr Operand(AccessType type, unsigned bytes, std::uintptr_t address)
      : word_(static_cast<std::uint64_t>(type) << 56U | static_cast<std::uint64_t>(bytes) << 48U |
              (address & address_mask)) {}
  /// What is done to the memory.
  constexpr AccessType type() const { return static_cast<AccessType>(word_ >> 56U); }
  /// How much of it.
  constexpr unsigned bytes() const { return static_cast<unsigned>(word_ >> 48U & 0xffU); }
  /// Where it is.
  constexpr std::uintptr_t address() const { return word_ & address_mask; }
  /// Whether the type and the number of bytes are the same.
  constexpr bool same_shape(const Operand& other) const { return (word_ ^ other.word_) >> 48U == 0; }

 private:
  static constexpr std::uint64_t address_mask = (std::uint64_t{1} << 48U) - 1;
  std::uint64_t word_ = 0;
};

/// What one lane did since its warp was last replayed, in its own order.
struct LaneTrace {
  std::vector<Token> tokens;
  std::vector<Operand> operands;  ///< of the tokens that take one, in their order

  /// Adds an access.
  void access(std::uint32_t place, Operand operand) {
    tokens.emplace_back(Token::Kind::access, place);
    operands.push_back(operand);
  }
};

/// An instruction that lanes of one warp issued together.
struct WarpAccess {
  std::uint32_t place = 0;
  std::uint32_t mask = 0;
  std::array<Operand, lanes_in_warp> operand{};  ///< of the lanes in the mask
};

/// Told what a warp did, in the order in which a warp does it.
class ReplayVisitor {
 public:
  virtual ~ReplayVisitor() = default;
  /// Lanes touched memory with one instruction.
  virtual void access(const WarpAccess& access) = 0;
  /// Lanes took part in a collective.
  virtual void rendezvous(std::uint32_t mask, bool orders_memory) = 0;
  /// `count` instructions or basic blocks were issued for `lanes` lanes at once.
  virtual void issued(std::uint64_t count, unsigned lanes) = 0;
};

/// Puts the 32 lanes of a warp, which a CPU ran one after another, side by side as a GPU issues them.
///
/// A GPU's warp has one instruction at a time for the lanes that stand at the same place. Where lanes part and when
/// they meet again is decided as hardware without a compiler's help does it: of all lanes those inside the most calls
/// go first, of these those at the lowest place in the program; lanes at the same place, called from the same places,
/// go together. Code lies in the order of the source (RungProfiledKernels.cmake sees to it), so that the lanes which
/// leave a loop, a branch or a switch early wait behind it for the others.
class WarpReplay {
 public:
  std::array<LaneTrace, lanes_in_warp> lanes;

  /// Hands everything recorded to `visitor` and forgets it. To be called when no lane is between two instructions of
  /// a collective: all wait for the block, or have ended.
  void replay(ReplayVisitor& visitor);
  /// Forgets everything, the calls that lanes are in too: a new block begins.
  void reset();
  /// Whether nothing was recorded since.
  bool empty() const;

 private:
  struct Lane {
    std::size_t token = 0, operand = 0;  // next
    // Of each call that it is in, the deepest last: a number for its place and those of the calls around it.
    std::vector<std::uint64_t> calls;

    std::uint64_t path() const { return calls.empty() ? 0 : calls.back(); }
  };

  bool ended(unsigned lane) const { return at_[lane].token == lanes[lane].tokens.size(); }
  Token next(unsigned lane) const { return lanes[lane].tokens[at_[lane].token]; }
  std::uint64_t key(unsigned lane, Token token) const;
  static void apply_call(Lane& lane, Token token);
  std::size_t common_length(unsigned leader, std::uint32_t mask) const;
  bool all_meet(std::uint32_t mask, std::size_t ahead) const;
  bool meet(ReplayVisitor& visitor, std::uint32_t waiting, bool force);
  void run(ReplayVisitor& visitor, std::uint32_t mask, unsigned leader, std::uint64_t until);

  std::array<Lane, lanes_in_warp> at_;
};

}  // namespace rung::simt::profiling
