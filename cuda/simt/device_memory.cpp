#include "cuda/simt/device_memory.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "core/error.h"
#include "cuda/simt/device_description.h"
#include "cuda/simt/observer.h"
#include "cuda/simt/stream.h"

namespace rung::simt {

namespace {

constexpr std::size_t alignment = 256;  // as cudaMalloc

/// What there is, by address.
struct Memory {
  std::mutex mutex;
  std::map<const void*, std::size_t> living;
  std::size_t bytes = 0;
};

Memory& memory() {
  static Memory all;
  return all;
}

}  // namespace

std::vector<Allocation> allocations() {
  const std::lock_guard lock(memory().mutex);
  std::vector<Allocation> list;
  list.reserve(memory().living.size());
  for (const auto& [address, bytes] : memory().living) list.push_back({address, bytes});
  return list;
}

namespace detail {

void* allocate_device_memory(std::size_t count, std::size_t element_bytes) {
  Memory& all = memory();
  const std::lock_guard lock(all.mutex);
  const std::size_t room = device().memory_bytes - std::min(all.bytes, device().memory_bytes);
  void* address = nullptr;
  if (count <= room / element_bytes) {
    const std::size_t whole =
        (std::max<std::size_t>(count * element_bytes, 1) + alignment - 1) / alignment * alignment;
    address = std::aligned_alloc(alignment, whole);
  }
  if (address == nullptr) {
    throw Error(ErrorKind::full,
                "no room for a device buffer of {} elements of {} bytes: {} of {}'s {} bytes are left", count,
                element_bytes, room, device().long_name, device().memory_bytes);
  }
  const std::size_t bytes = count * element_bytes;
  std::memset(address, 0xff,
              bytes);  // NaN in every type of number: what nobody has written should not look right
  all.living.emplace(address, bytes);
  all.bytes += bytes;
  if (Observer* watching = observer()) watching->allocated(address, bytes);
  return address;
}

void release_device_memory(void* address, std::size_t bytes) {
  if (address == nullptr) return;
  finish_all_streams();
  Memory& all = memory();
  const std::lock_guard lock(all.mutex);
  if (Observer* watching = observer()) watching->released(address);
  all.living.erase(address);
  all.bytes -= bytes;
  std::free(address);
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
  if (Observer* watching = observer()) watching->uploaded(to, bytes);
}

void copy_from_device(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
}

void check_copy_size(std::size_t given, std::size_t held, const char* what) {
  if (given != held) {
    throw Error(ErrorKind::usage, "{} a device buffer of {} elements: {} were given", what, held, given);
  }
}

}  // namespace detail
}  // namespace rung::simt
