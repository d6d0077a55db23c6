// What the compiler calls in a kernel that rung_profiled_kernels() compiles: with -fsanitize=thread at every load and
// store and at every function's begin and end, with -fsanitize-coverage=trace-pc in every basic block, with
// -fsanitize=bounds where an index is past its array. The names are the sanitizers' own; none of their libraries is linked.

#include <cstring>

#include <fmt/format.h>

#include "cuda/simt/profile/recorder.h"

namespace rung::simt::profiling {
namespace {

const ThreadState* watched_thread() {
  return recorder == nullptr || at_work ? nullptr : current_thread();
}

bool is_local(const ThreadState& thread, std::uintptr_t address) {
  return address - reinterpret_cast<std::uintptr_t>(thread.stack_low) < thread.stack_bytes;
}

void access(const void* pointer, std::size_t bytes, AccessType type, const void* code) {
  const ThreadState* thread = watched_thread();
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (thread != nullptr && !is_local(*thread, address)) {
    const AtWork here;
    recorder->hook_access(*thread, address, bytes, type, code);
  }
}

// With the alignment that a GPU asks for.
void aligned_access(const void* pointer, std::size_t bytes, AccessType type, const void* code) {
  const ThreadState* thread = watched_thread();
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (thread != nullptr && !is_local(*thread, address)) {
    const AtWork here;
    if ((address & (bytes - 1)) != 0) {
      recorder->hook_misaligned(*thread, address, bytes, type, code);
    }
    recorder->hook_access(*thread, address, bytes, type, code);
  }
}

void token(Token::Kind kind, const void* code) {
  if (const ThreadState* thread = watched_thread(); thread != nullptr) {
    const AtWork here;
    recorder->hook_token(*thread, kind, code);
  }
}

// What the compiler says of a place where undefined behaviour was noticed (libubsan's layout).
struct UbsanType {
  std::uint16_t kind, info;
  char name[1];
};
struct UbsanOutOfBounds {
  const char* file;
  std::uint32_t line, column;
  const UbsanType* array;
  const UbsanType* index;
};
struct UbsanTypeMismatch {
  const char* file;
  std::uint32_t line, column;
  const UbsanType* type;
  unsigned char alignment, kind;
};

}  // namespace
}  // namespace rung::simt::profiling

#define HERE __builtin_return_address(0)
// NOLINTBEGIN(bugprone-reserved-identifier, bugprone-macro-parentheses)
using rung::simt::profiling::access;
using rung::simt::profiling::AccessType;
using rung::simt::profiling::aligned_access;
using rung::simt::profiling::token;
using rung::simt::profiling::Token;

extern "C" {

#define RUNG_HOOKS_OF_WIDTH(bytes)                       \
  void __tsan_read##bytes(void* p) {                     \
    aligned_access(p, bytes, AccessType::load, HERE);    \
  }                                                      \
  void __tsan_write##bytes(void* p) {                    \
    aligned_access(p, bytes, AccessType::store, HERE);   \
  }                                                      \
  void __tsan_unaligned_read##bytes(void* p) {           \
    access(p, bytes, AccessType::load, HERE);            \
  }                                                      \
  void __tsan_unaligned_write##bytes(void* p) {          \
    access(p, bytes, AccessType::store, HERE);           \
  }                                                      \
  void __tsan_volatile_read##bytes(void* p) {            \
    aligned_access(p, bytes, AccessType::load, HERE);    \
  }                                                      \
  void __tsan_volatile_write##bytes(void* p) {           \
    aligned_access(p, bytes, AccessType::store, HERE);   \
  }                                                      \
  void __tsan_unaligned_volatile_read##bytes(void* p) {  \
    access(p, bytes, AccessType::load, HERE);            \
  }                                                      \
  void __tsan_unaligned_volatile_write##bytes(void* p) { \
    access(p, bytes, AccessType::store, HERE);           \
  }
RUNG_HOOKS_OF_WIDTH(1)
RUNG_HOOKS_OF_WIDTH(2)
RUNG_HOOKS_OF_WIDTH(4)
RUNG_HOOKS_OF_WIDTH(8)
RUNG_HOOKS_OF_WIDTH(16)
#undef RUNG_HOOKS_OF_WIDTH

void __tsan_read_range(void* p, std::size_t bytes) {
  access(p, bytes, AccessType::load, HERE);
}
void __tsan_write_range(void* p, std::size_t bytes) {
  access(p, bytes, AccessType::store, HERE);
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_init() {}
void __tsan_func_entry(void* caller) {
  token(Token::Kind::call, caller);
}
void __tsan_func_exit() {
  token(Token::Kind::leave, HERE);
}

void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  access(from, bytes, AccessType::load, HERE);
  access(to, bytes, AccessType::store, HERE);
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  access(from, bytes, AccessType::load, HERE);
  access(to, bytes, AccessType::store, HERE);
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  access(to, bytes, AccessType::store, HERE);
  return std::memset(to, value, bytes);
}

// Host code in the same file may hold these: the guards of static variables, shared pointers' counts. Kernels' atomics
// are functions of the executor. Stronger than asked for is right too.
#define RUNG_ATOMICS_OF_WIDTH(bits, type)                                                                 \
  type __tsan_atomic##bits##_load(const volatile type* p, int) {                                          \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                          \
  }                                                                                                       \
  void __tsan_atomic##bits##_store(volatile type* p, type v, int) {                                       \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                       \
  type __tsan_atomic##bits##_exchange(volatile type* p, type v, int) {                                    \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                       \
  type __tsan_atomic##bits##_fetch_add(volatile type* p, type v, int) {                                   \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  type __tsan_atomic##bits##_fetch_sub(volatile type* p, type v, int) {                                   \
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  type __tsan_atomic##bits##_fetch_and(volatile type* p, type v, int) {                                   \
    return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  type __tsan_atomic##bits##_fetch_or(volatile type* p, type v, int) {                                    \
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                                     \
  }                                                                                                       \
  type __tsan_atomic##bits##_fetch_xor(volatile type* p, type v, int) {                                   \
    return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* p, type* expected, type v, int, int) { \
    return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
  }                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* p, type* expected, type v, int, int) {   \
    return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
  }
RUNG_ATOMICS_OF_WIDTH(8, std::uint8_t)
RUNG_ATOMICS_OF_WIDTH(16, std::uint16_t)
RUNG_ATOMICS_OF_WIDTH(32, std::uint32_t)
RUNG_ATOMICS_OF_WIDTH(64, std::uint64_t)
#undef RUNG_ATOMICS_OF_WIDTH
void __tsan_atomic_thread_fence(int) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (const rung::simt::ThreadState* thread = rung::simt::profiling::watched_thread(); thread != nullptr) {
    const rung::simt::profiling::AtWork here;
    rung::simt::profiling::recorder->hook_fence(*thread, HERE);
  }
}
void __tsan_atomic_signal_fence(int) {}

void __sanitizer_cov_trace_pc() {
  token(Token::Kind::block, HERE);
}

void __ubsan_handle_out_of_bounds(rung::simt::profiling::UbsanOutOfBounds* data, void* index) {
  using namespace rung::simt;
  using namespace rung::simt::profiling;
  if (const ThreadState* thread = watched_thread(); thread != nullptr) {
    const AtWork here;
    recorder->hook_index_out_of_bounds(
        *thread, {.file = from_the_root(data->file), .line = static_cast<int>(data->line)},
        fmt::format("index {} of an array of type {}", reinterpret_cast<std::intptr_t>(index),
                    data->array->name),
        HERE);
  }
}

void __ubsan_handle_type_mismatch_v1(rung::simt::profiling::UbsanTypeMismatch* data, void* pointer) {
  using namespace rung::simt;
  using namespace rung::simt::profiling;
  if (const ThreadState* thread = watched_thread(); thread != nullptr) {
    const AtWork here;
    recorder->hook_pointer_out_of_bounds(*thread, reinterpret_cast<std::uintptr_t>(pointer), data->type->name,
                                         HERE);
  }
}
}
// NOLINTEND(bugprone-reserved-identifier, bugprone-macro-parentheses)
