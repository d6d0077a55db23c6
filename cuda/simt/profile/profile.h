#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/simt/device_description.h"

/// What a kernel does to memory, counted on the CPU, and what it does wrong. How the numbers come about, and what they
/// cannot say, is in cuda/simt/profile/README.md.
namespace rung::simt {

/// The blocks that one SM of the device holds at a time, at least one: as its threads, blocks, shared memory and
/// registers allow. `threads` and `shared_bytes` (static and dynamic) are a block's; `registers` are a thread's, 0 where
/// they are not known, and then limit nothing.
unsigned resident_blocks(const DeviceDescription& device, unsigned threads, std::size_t shared_bytes,
                         unsigned registers = 0);

/// What to measure, and against which device.
struct ProfileOptions {
  /// Capacity of the modelled L2 in bytes. 0: an eighth of all device buffers alive when the kernel is launched, but at
  /// least 4096: a small test fits a real L2 whole and would hide what a large problem pays for.
  std::size_t l2_bytes = 0;
  /// Whose blocks run side by side, in the model of the L2. Null: simt::device().
  const DeviceDescription* device = nullptr;
  unsigned registers_per_thread = 0;  ///< of the kernels as nvcc compiled them; 0: not known
  /// Races, uninitialised reads, bounds, copies that nobody waited for. The counters are the same without.
  bool check = true;
  /// Different findings kept per launch; what comes after is only counted.
  std::size_t most_problems = 32;
};

/// Where a program text stands. An empty `file` is an unknown place.
struct SourceLine {
  std::string
      file;  ///< from the root of the repository where it is below it, else as the compiler was given it
  int line = 0;
  /// By file, then line.
  auto operator<=>(const SourceLine&) const = default;
};

/// The memories that all threads of a grid, or all of a block, see.
enum class MemorySpace : std::uint8_t { global, shared };
/// What an instruction does to memory.
enum class AccessKind : std::uint8_t {
  load,
  store,
  atomic,
  async_copy
};  ///< an asynchronous copy reads global and writes shared

/// Requests of warps to one memory. A request is one instruction of one warp; `lanes` of its 32 threads take part.
struct RequestCounts {
  std::uint64_t requests = 0;
  std::uint64_t lanes = 0;
  std::uint64_t bytes = 0;  ///< what the lanes asked for, each lane's bytes counted
  std::uint64_t units = 0;  ///< 32-byte sectors of global memory, or wavefronts of shared memory
  std::uint64_t ideal = 0;  ///< the fewest units that could carry the different bytes asked for

  /// Adds all of them.
  RequestCounts& operator+=(const RequestCounts& other);
  double units_per_request() const;  ///< 0 where there is no request
  double ideal_per_request() const;  ///< the same
  double lanes_per_request() const;  ///< the same
  double units_over_ideal() const;   ///< 1 where there is nothing to carry
};

/// One kind of access on one line of the source.
struct LineCounts {
  SourceLine where;
  MemorySpace space = MemorySpace::global;
  AccessKind kind = AccessKind::load;
  unsigned bytes_per_lane = 0;
  RequestCounts counts;
  std::uint64_t collisions = 0;  ///< atomics: lanes beyond the first of a request that hit the same address
};

/// What threads did together on one line of the source.
struct LineEvents {
  SourceLine where;
  std::string name;         ///< as in the source: "__syncthreads", "__shfl_xor_sync", "mma.m16n8k16"
  std::uint64_t times = 0;  ///< block barriers once per block, the others once per warp
};

/// What the checker finds.
enum class ProblemKind : std::uint8_t {
  race,                ///< two threads, one of them writing, and nothing that orders them
  race_across_blocks,  ///< the same between blocks of one launch
  uninitialised_read,
  out_of_bounds,
  unwaited_copy,  ///< a destination of cp.async read or written before the copy was waited for, or at the block's end
  misaligned,  ///< an address that is not a multiple of the access's width: a GPU stops there
};

/// One of the accesses a problem is about.
struct ProblemAccess {
  SourceLine where;
  AccessKind kind = AccessKind::load;
  std::array<unsigned, 3> block{};
  std::array<unsigned, 3> thread{};
};

/// A finding. The same pair of lines is reported once per launch, with the number of times it was seen.
struct Problem {
  ProblemKind kind = ProblemKind::race;
  std::string kernel;
  std::string memory;    ///< the array or buffer, with the byte in it
  ProblemAccess access;  ///< the access that showed it
  bool has_other = false;
  ProblemAccess other;  ///< the earlier one it is at odds with
  std::uint64_t times = 1;
  std::string message;  ///< all of it in one sentence or two
};

/// One launch.
struct KernelProfile {
  std::string name;
  std::array<unsigned, 3> grid{};
  std::array<unsigned, 3> block{};
  std::size_t dynamic_shared_bytes = 0;

  RequestCounts global_loads, global_stores,
      global_atomics;  ///< loads and stores of cp.async are among loads and stores
  RequestCounts shared_loads, shared_stores, shared_atomics;  ///< ldmatrix is among shared_loads
  std::uint64_t atomic_collisions = 0;
  std::uint64_t loading_warps = 0;   ///< that load from global memory, over all blocks
  std::uint64_t storing_blocks = 0;  ///< that store there, or add by atomics

  std::uint64_t unique_bytes_loaded = 0;  ///< different bytes that were read before this launch wrote them
  std::uint64_t unique_bytes_stored = 0;  ///< different bytes written
  std::uint64_t l2_sectors = 0;  ///< between L1 and L2, in both directions; the model's L1 keeps nothing
  std::size_t l2_bytes = 0;      ///< the capacity that was modelled
  std::uint64_t blocks_in_a_wave = 0;
  std::uint64_t dram_bytes_loaded = 0;  ///< from the modelled L2's misses
  std::uint64_t dram_bytes_stored = 0;  ///< its write-backs, the last ones included

  std::uint64_t block_barriers = 0;  ///< passed, once per block
  std::uint64_t warp_syncs = 0;      ///< __syncwarp, per warp
  std::uint64_t warp_exchanges = 0;  ///< shuffles and votes, per warp
  std::uint64_t matrix_loads = 0;    ///< ldmatrix, per warp
  std::uint64_t tensor_instructions = 0;

  std::uint64_t steps = 0;       ///< basic blocks and accesses issued by warps
  std::uint64_t lane_steps = 0;  ///< the same, each active lane counted

  std::vector<LineCounts> lines;   ///< by file, line, space, kind
  std::vector<LineEvents> events;  ///< barriers, shuffles, matrix instructions: by file, line, name
  std::vector<Problem> problems;
  std::uint64_t problems_left_out = 0;

  /// The least that any kernel could move between the device's memory and itself.
  std::uint64_t unique_bytes() const { return unique_bytes_loaded + unique_bytes_stored; }
  /// What the model says that this one moves.
  std::uint64_t dram_bytes() const { return dram_bytes_loaded + dram_bytes_stored; }
  RequestCounts global() const;  ///< loads, stores and atomics together
  RequestCounts shared() const;  ///< the same of shared memory
  double active_lanes() const;   ///< of 32, over all steps: 32 without divergence
};

/// All launches of one profiled piece of work, in order.
struct Profile {
  std::vector<KernelProfile> kernels;
  std::uint64_t unique_bytes_loaded = 0;  ///< over all launches: read before any of them wrote it
  std::uint64_t unique_bytes_stored = 0;
  std::string
      error;  ///< the first error that a launch was stopped by (a problem of the kernel, a deadlock); empty: none

  bool quiet() const;           ///< no problem in any launch and no error
  KernelProfile total() const;  ///< counts of all launches added up, named "total"
};

/// Runs `launches`, which may launch any number of kernels, and measures each. The kernels must have been compiled
/// through rung_profiled_kernels() (cmake/RungProfiledKernels.cmake); others run, and count nothing.
///
/// Blocks run one after another on the calling thread. Where kernels are launched on streams, `launches` waits for them. A kernel that writes out of bounds is stopped there. An error
/// that a launch throws ends `launches` and becomes Profile::error; other exceptions pass through.
/// Errors: rung::Error when called while another profile() runs.
Profile profile(const std::function<void()>& launches, const ProfileOptions& options = {});

/// The same as JSON: one object, `kernels` an array; every name as in the structs above.
std::string to_json(const Profile& profile);

/// A kernel's source with its counts beside the lines: the rows of `file` that lie in a function with an access, or
/// the whole file. For a printer.
struct AnnotatedLine {
  int line = 0;
  std::string text;
  std::vector<LineCounts> counts;  ///< of all launches given, added up
};

/// Reads `file` and puts the counts of `kernels` beside its lines, from two lines above the first line with counts to
/// two below the last. Empty where no line of the file has counts. Errors: rung::Error when it cannot be read.
std::vector<AnnotatedLine> annotate(const std::vector<KernelProfile>& kernels, const std::string& file);

/// "global", "shared".
std::string_view name_of(MemorySpace space);
/// "load", "store", "atomic", "cp.async".
std::string_view name_of(AccessKind kind);
/// "race", "out of bounds", …
std::string_view name_of(ProblemKind kind);

}  // namespace rung::simt
