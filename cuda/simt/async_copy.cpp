#include <cstdint>
#include <cstring>
#include <string>

#include "cuda/simt/executor.h"
#include "cuda/simt/ptx.h"

// cp.async: each thread keeps its copies in a list, and the wait carries them out.

namespace rung::ptx {

namespace {

using simt::AsyncCopy;
using simt::MemoryEvent;
using simt::Where;

void issue(void* to, const void* from, unsigned bytes, unsigned source_bytes, Where where, const void* code) {
  using simt::detail::fail_here;
  if (reinterpret_cast<std::uintptr_t>(to) % bytes != 0 ||
      reinterpret_cast<std::uintptr_t>(from) % bytes != 0) {
    const simt::detail::Aside here;
    fail_here("cp.async of " + std::to_string(bytes) + " bytes between addresses that are not multiples of " +
                  std::to_string(bytes),
              where);
  }
  if (source_bytes > bytes) {
    const simt::detail::Aside here;
    fail_here("cp.async of " + std::to_string(bytes) + " bytes is to read " + std::to_string(source_bytes),
              where);
  }
  const AsyncCopy copy{to, from, bytes, source_bytes, where, code};
  simt::detail::worker->current().copies.push_back(copy);
  if (simt::Observer* watching = simt::observer()) watching->copy_issued(copy);
}

void carry_out(const AsyncCopy& copy) {
  if (simt::Observer* watching = simt::observer()) {
    if (copy.source_bytes != 0) {
      watching->memory_event({MemoryEvent::Kind::read, MemoryEvent::By::cp_async, copy.source,
                              copy.source_bytes, copy.where, copy.code});
    }
    watching->memory_event({MemoryEvent::Kind::write, MemoryEvent::By::cp_async, copy.destination, copy.bytes,
                            copy.where, copy.code});
    watching->copy_done(copy);
  }
  unsigned char bytes[16] = {};
  if (copy.source_bytes != 0) std::memcpy(bytes, copy.source, copy.source_bytes);
  std::memcpy(copy.destination, bytes, copy.bytes);
}

}  // namespace

#define CODE __builtin_return_address(0)

void cp_async16(void* to, const void* from, Where where) {
  issue(to, from, 16, 16, where, CODE);
}
void cp_async8(void* to, const void* from, Where where) {
  issue(to, from, 8, 8, where, CODE);
}
void cp_async4(void* to, const void* from, Where where) {
  issue(to, from, 4, 4, where, CODE);
}
void cp_async16_zfill(void* to, const void* from, unsigned source_bytes, Where where) {
  issue(to, from, 16, source_bytes, where, CODE);
}
void cp_async8_zfill(void* to, const void* from, unsigned source_bytes, Where where) {
  issue(to, from, 8, source_bytes, where, CODE);
}
void cp_async4_zfill(void* to, const void* from, unsigned source_bytes, Where where) {
  issue(to, from, 4, source_bytes, where, CODE);
}

void cp_async_commit(Where where) {
  auto& thread = simt::detail::worker->current();
  thread.groups.push_back(thread.copies.size());
  if (simt::Observer* watching = simt::observer()) watching->copies_committed(where);
}

void detail::cp_async_wait(unsigned pending, Where where) {
  auto& thread = simt::detail::worker->current();
  if (thread.groups.size() > pending) {
    const std::size_t groups = thread.groups.size() - pending, copies = thread.groups[groups - 1];
    for (std::size_t i = 0; i < copies; ++i) carry_out(thread.copies[i]);
    thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<std::ptrdiff_t>(copies));
    thread.groups.erase(thread.groups.begin(), thread.groups.begin() + static_cast<std::ptrdiff_t>(groups));
    for (std::size_t& end : thread.groups) end -= copies;
  }
  if (simt::Observer* watching = simt::observer()) watching->copies_waited(pending, where);
}

}  // namespace rung::ptx
