#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cuda/simt/vector_types.h"
#include "cuda/simt/where.h"

// What the executor tells somebody who watches: the profiler. An observer sees threads, barriers and collectives; the loads
// and stores of compiled code reach the profiler by other ways (the compiler's hooks), those that the executor makes in a
// thread's name come through here.

namespace rung::simt {

/// One launch, before its first block.
struct LaunchInfo {
  const char* name = "";
  const void* kernel = nullptr;  ///< the kernel's address
  dim3 grid, block;
  std::size_t shared_bytes = 0;         ///< dynamic shared memory
  std::size_t static_shared_bytes = 0;  ///< the kernel's own arrays; 0 where the symbols could not be read
  const void* arguments =
      nullptr;  ///< where the kernel's arguments are kept; reading them is no access to memory
  std::size_t argument_bytes = 0;
};

/// One block. `linear` counts x fastest.
struct BlockInfo {
  uint3 index{};
  unsigned linear = 0;
  unsigned threads = 0;
};

/// What is known of a running thread. Addresses are those of its OS thread.
struct ThreadState {
  unsigned index = 0;  ///< in the block, x fastest; warp = index / 32, lane = index % 32
  uint3 thread{}, block{};
  const void* stack_low = nullptr;  ///< its fiber's stack: local variables
  std::size_t stack_bytes = 0;
  const void* dynamic_low = nullptr;  ///< dynamic shared memory of its block
  std::size_t dynamic_bytes = 0;
};

/// Static shared memory of this OS thread, among other thread-local variables of the executable: which array is where,
/// the ELF symbol table says.
struct ThreadLocalRange {
  const void* low = nullptr;
  std::size_t bytes = 0;
};

/// The kinds of operation that the lanes of a warp carry out together.
enum class WarpOp : std::uint8_t { syncwarp, shuffle, vote, match, ldmatrix, mma, wmma };

/// One operation of a warp, when its last lane has arrived.
struct WarpEvent {
  WarpOp op = WarpOp::syncwarp;
  const char* name = "";  ///< as in the source: "__shfl_xor_sync"
  unsigned warp = 0;      ///< in the block
  unsigned mask = 0;      ///< the lanes that took part
  bool orders_memory =
      false;    ///< whether what they wrote before is seen by all of them after: __syncwarp only
  Where where;  ///< of the lane that came last
};

/// An access to memory that the executor makes for the current thread.
struct MemoryEvent {
  /// What is done there; an atomic operation reads and writes.
  enum class Kind : std::uint8_t { read, write, atomic };
  /// The instruction that does it.
  enum class By : std::uint8_t { atomic, ldmatrix, cp_async, wmma };
  Kind kind = Kind::read;
  By by = By::atomic;
  const void* address = nullptr;
  unsigned bytes = 0;
  Where where;                 ///< of the instruction (for cp.async, of the copy and not of the wait)
  const void* code = nullptr;  ///< its address in the kernel
};

/// One asynchronous copy of a thread.
struct AsyncCopy {
  void* destination = nullptr;
  const void* source = nullptr;
  unsigned bytes = 0;         ///< written: 4, 8 or 16
  unsigned source_bytes = 0;  ///< read; the rest is zeros
  Where where;
  const void* code = nullptr;
};

/// Base of what watches launches. With one installed a launch runs on one OS thread. Every function is called on that
/// thread; current_thread() tells which thread is meant. The functions must not throw.
class Observer {
 public:
  virtual ~Observer() = default;

  /// Before the first block.
  virtual void launch_begins(const LaunchInfo&) {}
  /// After the last block, or after what went wrong.
  virtual void launch_ends() {}
  /// Before the block's first thread.
  virtual void block_begins(const BlockInfo&) {}
  /// After the block's last thread, or after what went wrong.
  virtual void block_ends() {}
  /// current_thread() starts or goes on.
  virtual void thread_resumes() {}
  /// current_thread() has returned from the kernel.
  virtual void thread_ends() {}
  /// All threads of the block that have not ended have met at a __syncthreads.
  virtual void block_barrier(Where) {}
  /// Lanes of a warp have carried out something together.
  virtual void warp_event(const WarpEvent&) {}
  /// Reports the copies' reads and writes too, at the wait.
  virtual void memory_event(const MemoryEvent&) {}
  /// current_thread() asks for an asynchronous copy.
  virtual void copy_issued(const AsyncCopy&) {}
  /// current_thread() closes a group of copies.
  virtual void copies_committed(Where) {}
  /// current_thread() has waited until at most `pending` groups are left; copy_done came before for each copy.
  virtual void copies_waited(unsigned /*pending*/, Where) {}
  /// A copy has been carried out.
  virtual void copy_done(const AsyncCopy&) {}
  /// A thread ended without having waited for this copy; it was not carried out.
  virtual void copy_dropped(const AsyncCopy&) {}
  /// Memory of a device_buffer, from its allocation to its release.
  virtual void allocated(const void* /*address*/, std::size_t /*bytes*/) {}
  /// Memory of a device_buffer is given back.
  virtual void released(const void* /*address*/) {}
  /// Bytes of a device_buffer that the host has written.
  virtual void uploaded(const void* /*address*/, std::size_t /*bytes*/) {}
};

namespace detail {
// Fast, since a profiler asks at every load.
extern constinit thread_local const ThreadState* current;
extern Observer* installed;
}  // namespace detail

/// Installs an observer, or none; returns the one before. Not while a launch runs.
Observer* set_observer(Observer* observer);
/// The one that is installed, or null.
inline Observer* observer() {
  return detail::installed;
}

/// The thread that runs on this OS thread, or null outside of kernels.
inline const ThreadState* current_thread() {
  return detail::current;
}

/// Thread-local variables of the executable on the calling OS thread.
ThreadLocalRange thread_local_range();
/// Whether this is in threadIdx, blockIdx, blockDim or gridDim of the calling OS thread: registers on a GPU.
bool is_built_in_variable(const void* address);

}  // namespace rung::simt
