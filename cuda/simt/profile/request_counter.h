#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cuda/simt/profile/l2_traffic.h"
#include "cuda/simt/profile/lane_trace.h"
#include "cuda/simt/profile/profile.h"
#include "cuda/simt/profile/request.h"
#include "cuda/simt/profile/source_lines.h"

namespace rung::simt::profiling {

/// What was counted at one place of the program, for one kind and width of access.
struct Site {
  std::uint32_t place = 0;                  ///< in the executable
  MemorySpace space = MemorySpace::global;  ///< which memory
  AccessKind kind = AccessKind::load;       ///< what is done there
  unsigned bytes = 0;                       ///< of a lane
  RequestCounts counts;                     ///< of all its requests
  std::uint64_t collisions = 0;             ///< of its atomics
};

/// Counts the requests of a launch: by place, for the kernel, and what of them passes the modelled L2.
class RequestCounter {
 public:
  /// Counts anew.
  void launch_begins(std::size_t l2_bytes, std::uint64_t blocks_in_a_wave);
  /// What follows are its requests.
  void block_begins() { traffic_->block_begins(); }
  /// The capacity of the modelled L2, as it was rounded.
  std::size_t l2_bytes() const { return traffic_->l2().bytes(); }
  /// One request of a warp: adds it to its site and to the kernel.
  void count(MemorySpace space, std::uint32_t place, AccessType type, const Request& request,
             KernelProfile& kernel);
  /// The launch is over: adds what passed the L2 to the kernel.
  /// @return its sites
  std::vector<Site> launch_ends(KernelProfile& kernel);

 private:
  void count_global(std::uint32_t place, AccessType type, const Request& request, KernelProfile& kernel);
  void count_shared(std::uint32_t place, AccessType type, const Request& request, KernelProfile& kernel);
  Site& site(std::uint32_t place, MemorySpace space, AccessKind kind, unsigned bytes);

  std::optional<L2Traffic> traffic_;
  std::vector<Site> sites_;
  std::unordered_map<std::uint64_t, std::size_t> site_of_;
  std::uint64_t last_key_ = 0;  // the site that was counted last
  std::size_t last_site_ = 0;
};

/// Adds the sites to the kernel's lines, sites of one line together, in the order of the source.
void add_lines(KernelProfile& kernel, const std::vector<Site>& sites, const SourceLines& source);

}  // namespace rung::simt::profiling
