#include "cuda/simt/profile/request_counter.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace rung::simt::profiling {

namespace {

AccessKind kind_of(AccessType type) {
  switch (type) {
    case AccessType::store:
      return AccessKind::store;
    case AccessType::atomic:
      return AccessKind::atomic;
    case AccessType::load:
      return AccessKind::load;
    default:
      return AccessKind::async_copy;
  }
}

}  // namespace

void RequestCounter::launch_begins(std::size_t l2_bytes, std::uint64_t blocks_in_a_wave) {
  traffic_.emplace(l2_bytes, blocks_in_a_wave);
  sites_.clear();
  site_of_.clear();
}

void RequestCounter::count(MemorySpace space, std::uint32_t place, AccessType type, const Request& request,
                           KernelProfile& kernel) {
  if (space == MemorySpace::global) {
    count_global(place, type, request, kernel);
  } else {
    count_shared(place, type, request, kernel);
  }
}

std::vector<Site> RequestCounter::launch_ends(KernelProfile& kernel) {
  traffic_->finish();
  kernel.l2_sectors = traffic_->sectors();
  kernel.dram_bytes_loaded = traffic_->l2().sectors_fetched() * sector_bytes;
  kernel.dram_bytes_stored = traffic_->l2().sectors_written_back() * sector_bytes;
  traffic_.reset();
  return std::move(sites_);
}

Site& RequestCounter::site(std::uint32_t place, MemorySpace space, AccessKind kind, unsigned bytes) {
  const std::uint64_t key = std::uint64_t{place} << 16U | std::uint64_t{bytes} << 8U |
                            static_cast<std::uint64_t>(kind) << 4U | static_cast<std::uint64_t>(space);
  if (last_site_ < sites_.size() && last_key_ == key) {
    return sites_[last_site_];
  }
  const auto [found, fresh] = site_of_.try_emplace(key, sites_.size());
  if (fresh) {
    sites_.push_back(
        {.place = place, .space = space, .kind = kind, .bytes = bytes, .counts = {}, .collisions = 0});
  }
  last_key_ = key;
  last_site_ = found->second;
  return sites_[last_site_];
}

void RequestCounter::count_global(std::uint32_t place, AccessType type, const Request& request,
                                  KernelProfile& kernel) {
  Sectors sectors;
  find_sectors(request, sectors);
  const auto lanes = static_cast<unsigned>(std::popcount(request.mask));
  const RequestCounts one{.requests = 1,
                          .lanes = lanes,
                          .bytes = std::uint64_t{lanes} * request.bytes,
                          .units = sectors.count,
                          .ideal = sectors.ideal};
  Site& at = site(place, MemorySpace::global, kind_of(type), request.bytes);
  at.counts += one;
  switch (type) {
    case AccessType::store:
      kernel.global_stores += one;
      break;
    case AccessType::atomic: {
      const unsigned again = count_collisions(request);
      at.collisions += again;
      kernel.atomic_collisions += again;
      kernel.global_atomics += one;
      break;
    }
    default:
      kernel.global_loads += one;
      break;
  }
  traffic_->request(sectors, type != AccessType::store,
                    type == AccessType::store || type == AccessType::atomic);
}

void RequestCounter::count_shared(std::uint32_t place, AccessType type, const Request& request,
                                  KernelProfile& kernel) {
  const Wavefronts wavefronts = count_wavefronts(request, type != AccessType::atomic);
  const auto lanes = static_cast<unsigned>(std::popcount(request.mask));
  const RequestCounts one{.requests = 1,
                          .lanes = lanes,
                          .bytes = std::uint64_t{lanes} * request.bytes,
                          .units = wavefronts.count,
                          .ideal = wavefronts.ideal};
  Site& at = site(place, MemorySpace::shared, kind_of(type), request.bytes);
  at.counts += one;
  switch (type) {
    case AccessType::load:
      kernel.shared_loads += one;
      break;
    case AccessType::atomic: {
      const unsigned again = count_collisions(request);
      at.collisions += again;
      kernel.atomic_collisions += again;
      kernel.shared_atomics += one;
      break;
    }
    default:
      kernel.shared_stores += one;
      break;
  }
}

void add_lines(KernelProfile& kernel, const std::vector<Site>& sites, const SourceLines& source) {
  for (const Site& site : sites) {
    const SourceLine& where = source.of(site.place);
    const auto same = std::find_if(kernel.lines.begin(), kernel.lines.end(), [&](const LineCounts& line) {
      return line.where == where && line.space == site.space && line.kind == site.kind &&
             line.bytes_per_lane == site.bytes;
    });
    if (same == kernel.lines.end()) {
      kernel.lines.push_back({.where = where,
                              .space = site.space,
                              .kind = site.kind,
                              .bytes_per_lane = site.bytes,
                              .counts = site.counts,
                              .collisions = site.collisions});
    } else {
      same->counts += site.counts;
      same->collisions += site.collisions;
    }
  }
  std::sort(kernel.lines.begin(), kernel.lines.end(), [](const LineCounts& a, const LineCounts& b) {
    return std::tie(a.where, a.space, a.kind, a.bytes_per_lane) <
           std::tie(b.where, b.space, b.kind, b.bytes_per_lane);
  });
}

}  // namespace rung::simt::profiling
