#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cuda/simt/profile/memory_checker.h"

namespace rung::simt::profiling {

/// Which memory a kernel may touch, and what of it an address is: the device buffers that live, the block's dynamic shared
/// memory, and the executable's __shared__ arrays.
class MemoryMap {
 public:
  /// What an address of the executable's thread-local memory is.
  enum class StaticWord : std::uint8_t { array, not_memory, gap };

  /// Finds the __shared__ arrays; there are no buffers yet.
  MemoryMap();

  /// A device buffer begins to live.
  void allocated(std::uintptr_t begin, std::size_t bytes);
  /// It ends.
  void released(std::uintptr_t begin);
  /// All device buffers together.
  std::size_t buffer_bytes() const { return buffer_bytes_; }
  /// Where the block's dynamic shared memory is; forgets what was known of it where it was elsewhere.
  void set_dynamic_shared(std::uintptr_t begin, std::size_t bytes);
  /// No block runs: there is no dynamic shared memory until a thread tells where it is.
  void forget_dynamic_shared();

  /// Whether an address is in the executable's thread-local memory, where static_word() may be asked.
  bool in_static(std::uintptr_t address) const {
    return address - static_shared_->begin < static_shared_->bytes;
  }
  /// What it is there.
  StaticWord static_word(std::uintptr_t address) const {
    return static_words_[(address - static_shared_->begin) / 4];
  }
  /// Whether all of an access lies in dynamic shared memory.
  bool in_dynamic(std::uintptr_t address, std::size_t bytes) const {
    return dynamic_shared_->holds(address, bytes);
  }
  /// Whether all of it lies in the buffer that was found last, which is asked first: most accesses do.
  bool in_last_buffer(std::uintptr_t address, std::size_t bytes) const {
    return last_buffer_ != nullptr && last_buffer_->holds(address, bytes);
  }
  /// The buffer that holds the byte, or null.
  Region* global_at(std::uintptr_t address);
  /// The buffer or shared memory that holds it, or null.
  Region* region_at(std::uintptr_t address);

  /// What the address is in: "byte 12 of tile".
  std::string describe(std::uintptr_t address);
  /// What an access out of bounds was near to: "8 bytes behind the end of device buffer 2 (64 bytes)".
  std::string describe_outside(std::uintptr_t address, std::size_t bytes) const;

 private:
  std::string nearest_buffer(std::uintptr_t address, std::size_t bytes) const;

  std::map<std::uintptr_t, std::unique_ptr<Region>> buffers_;
  std::size_t buffer_bytes_ = 0;
  unsigned buffers_made_ = 0;
  Region* last_buffer_ = nullptr;
  std::unique_ptr<Region> static_shared_, dynamic_shared_;
  std::vector<StaticWord> static_words_;
};

}  // namespace rung::simt::profiling
