#include "cuda/simt/profile/memory_map.h"

#include <algorithm>
#include <cstdlib>

#include <cxxabi.h>
#include <fmt/format.h>

#include "cuda/simt/observer.h"
#include "cuda/simt/symbols.h"

namespace rung::simt::profiling {

namespace {

// Beyond dynamic shared memory that far it is still meant.
constexpr std::uintptr_t near = 4096;

// "tile" of "_ZZN4rung4cuda6kernelEPfE4tile".
std::string array_name(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : symbol;
  if (const std::size_t colons = name.rfind("::"); colons != std::string::npos) {
    name.erase(0, colons + 2);
  }
  return name;
}

}  // namespace

MemoryMap::MemoryMap() {
  const ThreadLocalRange range = thread_local_range();
  static_shared_ = std::make_unique<Region>(MemorySpace::shared, "static shared memory",
                                            reinterpret_cast<std::uintptr_t>(range.low), range.bytes);
  static_words_.assign((range.bytes + 3) / 4,
                       thread_local_variables().empty() ? StaticWord::array : StaticWord::gap);
  for (const ThreadLocalVariable& variable : thread_local_variables()) {
    const bool guard =
        variable.symbol.starts_with("_ZGV");  // of a variable that has a constructor; not in the source
    const bool built_in =
        is_built_in_variable(static_cast<const unsigned char*>(range.low) + variable.offset);
    for (std::size_t byte = variable.offset / 4 * 4;
         byte < std::min(range.bytes, variable.offset + variable.bytes); byte += 4) {
      static_words_[byte / 4] = guard || built_in ? StaticWord::not_memory : StaticWord::array;
    }
    if (!guard && !built_in) {
      static_shared_->parts.push_back(
          {.begin = variable.offset, .bytes = variable.bytes, .name = array_name(variable.symbol)});
    }
  }
  forget_dynamic_shared();
}

void MemoryMap::allocated(std::uintptr_t begin, std::size_t bytes) {
  buffers_[begin] = std::make_unique<Region>(
      MemorySpace::global, fmt::format("device buffer {} ({} bytes)", ++buffers_made_, bytes), begin, bytes);
  buffer_bytes_ += bytes;
  last_buffer_ = nullptr;
}

void MemoryMap::released(std::uintptr_t begin) {
  const auto found = buffers_.find(begin);
  if (found != buffers_.end()) {
    buffer_bytes_ -= found->second->bytes;
    buffers_.erase(found);
  }
  last_buffer_ = nullptr;
}

void MemoryMap::set_dynamic_shared(std::uintptr_t begin, std::size_t bytes) {
  if (begin != dynamic_shared_->begin || bytes != dynamic_shared_->bytes)
    dynamic_shared_ = std::make_unique<Region>(MemorySpace::shared, "dynamic shared memory", begin, bytes);
}

void MemoryMap::forget_dynamic_shared() {
  dynamic_shared_ = std::make_unique<Region>(MemorySpace::shared, "dynamic shared memory", 0, 0);
}

Region* MemoryMap::global_at(std::uintptr_t address) {
  if (last_buffer_ != nullptr && address - last_buffer_->begin < last_buffer_->bytes) {
    return last_buffer_;
  }
  const auto after = buffers_.upper_bound(address);
  if (after == buffers_.begin()) {
    return nullptr;
  }
  Region* region = std::prev(after)->second.get();
  if (address - region->begin >= region->bytes) {
    return nullptr;
  }
  last_buffer_ = region;
  return region;
}

Region* MemoryMap::region_at(std::uintptr_t address) {
  for (Region* shared : {static_shared_.get(), dynamic_shared_.get()}) {
    if (address - shared->begin < shared->bytes) {
      return shared;
    }
  }
  return global_at(address);
}

std::string MemoryMap::describe(std::uintptr_t address) {
  const Region* const region = region_at(address);
  return region == nullptr ? "memory of the thread's own" : region->describe(address);
}

std::string MemoryMap::nearest_buffer(std::uintptr_t address, std::size_t bytes) const {
  const auto after = buffers_.upper_bound(address);
  const Region* below = after == buffers_.begin() ? nullptr : std::prev(after)->second.get();
  const Region* above = after == buffers_.end() ? nullptr : after->second.get();
  if (below != nullptr && address < below->begin + below->bytes) {
    return fmt::format("the last {} bytes of {}, and what is behind it",
                       below->begin + below->bytes - address, below->name);
  }
  if (below != nullptr &&
      (above == nullptr || address - (below->begin + below->bytes) <= above->begin - address)) {
    return fmt::format("{} bytes behind the end of {}", address - (below->begin + below->bytes), below->name);
  }
  if (above != nullptr) {
    return fmt::format("{} bytes before the begin of {}", above->begin - address, above->name);
  }
  return fmt::format("{} bytes at address {:#x}, and there is no device buffer", bytes, address);
}

std::string MemoryMap::describe_outside(std::uintptr_t address, std::size_t bytes) const {
  if (const std::size_t byte = address - static_shared_->begin; byte < static_shared_->bytes) {
    const auto after = std::find_if(static_shared_->parts.begin(), static_shared_->parts.end(),
                                    [&](const Region::Part& part) { return part.begin > byte; });
    return after == static_shared_->parts.begin()
               ? "static shared memory"
               : fmt::format("what is behind {} ({} bytes)", after[-1].name, after[-1].bytes);
  }
  if (address - (dynamic_shared_->begin - near) < dynamic_shared_->bytes + 2 * near) {
    return fmt::format("byte {} of dynamic shared memory ({} bytes)",
                       static_cast<std::ptrdiff_t>(address - dynamic_shared_->begin), dynamic_shared_->bytes);
  }
  return nearest_buffer(address, bytes);
}

}  // namespace rung::simt::profiling
