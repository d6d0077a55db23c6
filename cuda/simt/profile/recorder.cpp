#include "cuda/simt/profile/recorder.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "cuda/simt/collective.h"
#include "cuda/simt/device_memory.h"
#include "cuda/simt/profile/problem_text.h"

namespace rung::simt::profiling {

Recorder* recorder = nullptr;
bool at_work = false;

namespace {

// A warp whose lanes have recorded this much is replayed at the next collective that all of them take part in.
constexpr std::size_t long_trace = std::size_t{1} << 11U;

unsigned lowest(std::uint32_t mask) {
  return static_cast<unsigned>(std::countr_zero(mask));
}

std::array<unsigned, 3> extents(const dim3& d) {
  return {d.x, d.y, d.z};
}

}  // namespace

Recorder::Recorder(const ProfileOptions& options) : options_(options) {
  if (recorder != nullptr) {
    throw Error(ErrorKind::usage, "profile() was called while another profile() runs");
  }
  checker_.most_findings = options.most_problems;
  for (const Allocation& old : allocations()) {
    allocated(old.address, old.bytes);
    uploaded(old.address, old.bytes);  // nothing is known of it; it may have been
  }
  recorder = this;
  before_ = set_observer(this);
}

Recorder::~Recorder() {
  set_observer(before_);
  recorder = nullptr;
}

// Memory ------------------------------------------------------------------------------------------

void Recorder::allocated(const void* address, std::size_t bytes) {
  const AtWork here;
  memory_.allocated(reinterpret_cast<std::uintptr_t>(address), bytes);
}

void Recorder::released(const void* address) {
  const AtWork here;
  memory_.released(reinterpret_cast<std::uintptr_t>(address));
}

void Recorder::uploaded(const void* address, std::size_t bytes) {
  const AtWork here;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  if (Region* region = memory_.global_at(begin); region != nullptr && region->holds(begin, bytes)) {
    region->mark_initialised(begin, bytes);
  }
}

// Hooks -------------------------------------------------------------------------------------------

// The executor leaves a warp when none of its lanes can go on before the block does.
void Recorder::go_to(unsigned warp) {
  replay(warp_);
  // Nothing is recorded now of either: the memory that the caches hold goes along.
  std::swap(warps_[warp].lanes, warps_[warp_].lanes);
  warp_ = warp;
}

// Called for every access of every lane: what is as most are is written down at once.
void Recorder::hook_access(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                           AccessType type, const void* code) {
  bool usual = bytes <= most_lane_bytes && std::has_single_bit(bytes);
  if (memory_.in_static(address)) {
    const MemoryMap::StaticWord word = memory_.static_word(address);
    if (word == MemoryMap::StaticWord::not_memory) {
      return;
    }
    usual = usual && word == MemoryMap::StaticWord::array;
  } else {
    usual = usual && (memory_.in_dynamic(address, bytes) || memory_.in_last_buffer(address, bytes));
  }
  if (usual) {
    lane_of(thread).access(place_of(code), Operand(type, static_cast<unsigned>(bytes), address));
  } else {
    push(thread, address, bytes, type, place_of(code));
  }
}

void Recorder::push(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                    std::uint32_t place) {
  if (memory_.in_static(address)) {
    const MemoryMap::StaticWord word = memory_.static_word(address);
    if (word == MemoryMap::StaticWord::not_memory) {
      return;  // threadIdx and its like
    }
    if (word == MemoryMap::StaticWord::gap || !memory_.in_static(address + bytes - 1)) {
      out_of_bounds(thread, address, bytes, type, place);
      return;
    }
  } else if (!belongs_somewhere(thread, address, bytes, type, place)) {
    return;
  }
  LaneTrace& lane = lane_of(thread);
  // A copy of a struct goes in the widest pieces that its address and length allow.
  while (bytes != 0) {
    const std::size_t piece =
        std::min<std::size_t>({most_lane_bytes, std::bit_floor(bytes),
                               std::size_t{1} << std::countr_zero(address | most_lane_bytes)});
    lane.access(place, Operand(type, static_cast<unsigned>(piece), address));
    address += piece;
    bytes -= piece;
  }
}

// Whether an address that is not where most are should be followed. What is out of bounds ends the kernel here.
bool Recorder::belongs_somewhere(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                                 AccessType type, std::uint32_t place) {
  memory_.set_dynamic_shared(reinterpret_cast<std::uintptr_t>(thread.dynamic_low), thread.dynamic_bytes);
  if (memory_.in_dynamic(address, bytes)) {
    return true;
  }
  if (const Region* region = memory_.global_at(address); region != nullptr && region->holds(address, bytes)) {
    return true;
  }
  if (address - arguments_ < argument_bytes_) {
    return false;  // parameters of the kernel
  }
  for (const std::uintptr_t stack : stacks_) {
    if (stack != 0 && address - stack < stack_bytes_) {
      return false;  // what another lane gave to a collective
    }
  }
  const bool stores = type == AccessType::store || type == AccessType::atomic;
  if (in_executable(address) && !stores) {
    return false;  // constants
  }
  out_of_bounds(thread, address, bytes, type, place);
  return false;
}

void Recorder::out_of_bounds(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                             AccessType type, std::uint32_t place) {
  checker_.report(ProblemKind::out_of_bounds, memory_.describe_outside(address, bytes),
                  fmt::format("{} bytes", bytes), place, type, thread.index);
  rung::simt::detail::stop_here("an access out of bounds", {});
}

void Recorder::hook_fence(const ThreadState& thread, const void* code) {
  lane_of(thread).access(place_of(code), Operand(AccessType::fence, 1, 0));
}

void Recorder::hook_misaligned(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                               AccessType type, const void* code) {
  checker_.report(ProblemKind::misaligned,
                  fmt::format("an access of {} bytes to an address that is {} past a multiple of {}", bytes,
                              address % bytes, bytes),
                  "", place_of(code), type, thread.index);
  rung::simt::detail::stop_here("a misaligned access", {});
}

void Recorder::hook_index_out_of_bounds(const ThreadState& thread, const SourceLine& where,
                                        const std::string& what, const void* code) {
  const auto place = place_of(code);
  source_.set(place, where);
  checker_.report(ProblemKind::out_of_bounds, what, "", place, AccessType::load, thread.index);
  rung::simt::detail::stop_here("an index out of bounds", {.file = where.file.c_str(), .line = where.line});
}

void Recorder::hook_pointer_out_of_bounds(const ThreadState& thread, std::uintptr_t address,
                                          const std::string& type, const void* code) {
  checker_.report(ProblemKind::out_of_bounds,
                  fmt::format("{}, by a pointer past the end of the array that it was made from",
                              memory_.describe(address)),
                  fmt::format("a {}", type), place_of(code), AccessType::load, thread.index);
  rung::simt::detail::stop_here("a pointer out of bounds", {});
}

// The executor ------------------------------------------------------------------------------------

std::uint32_t Recorder::place_of(const void* code, Where where) {
  const auto place = place_of(code);
  if (where.line != 0 && named_.insert(place).second) {
    source_.set(place, {.file = from_the_root(where.file), .line = where.line});
  }
  return place;
}

void Recorder::launch_begins(const LaunchInfo& info) {
  at_work = false;
  const AtWork here;
  kernel_ = {};
  kernel_.name = info.name;
  kernel_.grid = extents(info.grid);
  kernel_.block = extents(info.block);
  kernel_.dynamic_shared_bytes = info.shared_bytes;
  memory_.forget_dynamic_shared();
  arguments_ = reinterpret_cast<std::uintptr_t>(info.arguments);
  argument_bytes_ = info.argument_bytes;
  const DeviceDescription& target = options_.device != nullptr ? *options_.device : device();
  const unsigned resident =
      resident_blocks(target, info.block.x * info.block.y * info.block.z,
                      info.shared_bytes + info.static_shared_bytes, options_.registers_per_thread);
  kernel_.blocks_in_a_wave = std::uint64_t{target.sms} * resident;
  const std::size_t capacity =
      options_.l2_bytes != 0 ? options_.l2_bytes : std::max<std::size_t>(4096, memory_.buffer_bytes() / 8);
  counter_.launch_begins(capacity, kernel_.blocks_in_a_wave);
  kernel_.l2_bytes = counter_.l2_bytes();
  checker_.launch_begins();
  events_.clear();
}

void Recorder::launch_ends() {
  const AtWork here;
  replay_all();
  launch_sites_.push_back(counter_.launch_ends(kernel_));
  checker_.launch_ends();
  kernel_.unique_bytes_loaded = checker_.bytes_first_read;
  kernel_.unique_bytes_stored = checker_.bytes_first_written;
  kernel_.problems_left_out = checker_.left_out;
  if (!options_.check) {
    checker_.findings.clear();
    kernel_.problems_left_out = 0;
  }
  for (const auto& [what, times] : events_) {
    const auto& [file, line, name] = what;
    kernel_.events.push_back({.where = {.file = from_the_root(std::string(file)), .line = line},
                              .name = std::string(name),
                              .times = times});
  }
  profile_.kernels.push_back(std::move(kernel_));
  findings_.push_back(std::move(checker_.findings));
  threads_ = 0;
}

void Recorder::block_begins(const BlockInfo& info) {
  const AtWork here;
  threads_ = info.threads;
  warps_.resize((info.threads + lanes_in_warp - 1) / lanes_in_warp);
  for (WarpReplay& warp : warps_) {
    warp.reset();
  }
  traces_.clear();
  for (WarpReplay& warp : warps_) {
    for (LaneTrace& lane : warp.lanes) {
      traces_.push_back(&lane);
    }
  }
  warp_ = 0;
  stacks_.assign(info.threads, 0);
  warp_loads_.assign(warps_.size(), false);
  block_stores_ = false;
  checker_.block_begins(info.linear, info.threads);
  counter_.block_begins();
}

void Recorder::block_ends() {
  const AtWork here;
  replay_all();
}

void Recorder::block_barrier(Where where) {
  const AtWork here;
  ++events_[{where.file, where.line, "__syncthreads"}];
  replay_all();
  checker_.block_barrier();
  ++kernel_.block_barriers;
}

void Recorder::warp_event(const WarpEvent& event) {
  const AtWork here;
  WarpReplay& warp = warps_[event.warp];
  bool is_long = false;
  for (std::uint32_t rest = event.mask; rest != 0; rest &= rest - 1) {
    LaneTrace& lane = warp.lanes[lowest(rest)];
    lane.tokens.emplace_back(Token::Kind::rendezvous, 0);
    lane.operands.emplace_back(AccessType::rendezvous, event.orders_memory ? 1U : 0U, event.mask);
    is_long |= lane.tokens.size() > long_trace;
  }
  ++events_[{event.where.file, event.where.line, event.name}];
  switch (event.op) {
    case WarpOp::syncwarp:
      ++kernel_.warp_syncs;
      break;
    case WarpOp::shuffle:
    case WarpOp::vote:
    case WarpOp::match:
      ++kernel_.warp_exchanges;
      break;
    case WarpOp::ldmatrix:
      ++kernel_.matrix_loads;
      break;
    case WarpOp::mma:
      ++kernel_.tensor_instructions;
      break;
    case WarpOp::wmma:
      kernel_.tensor_instructions +=
          std::string_view(event.name).find("mma_sync") != std::string_view::npos ? 1U : 0U;
      break;
  }
  if (is_long && event.mask == 0xffffffffU) {
    replay(event.warp);
  }
}

void Recorder::memory_event(const MemoryEvent& event) {
  const AtWork here;
  if (event.by == MemoryEvent::By::cp_async) {
    return;  // counted when it was issued
  }
  const AccessType type = event.kind == MemoryEvent::Kind::read    ? AccessType::load
                          : event.kind == MemoryEvent::Kind::write ? AccessType::store
                                                                   : AccessType::atomic;
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(event.address), event.bytes, type,
       place_of(event.code, event.where));
}

void Recorder::copy_issued(const AsyncCopy& copy) {
  const AtWork here;
  const std::uint32_t place = place_of(copy.code, copy.where);
  if (copy.source_bytes != 0) {
    push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.source), copy.source_bytes,
         AccessType::copy_source, place);
  }
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.destination), copy.bytes,
       AccessType::copy_destination, place);
}

void Recorder::copy_done(const AsyncCopy& copy) {
  const AtWork here;
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.destination), copy.bytes,
       AccessType::copy_done, place_of(copy.code, copy.where));
}

void Recorder::copy_dropped(const AsyncCopy& copy) {
  const AtWork here;
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.destination), copy.bytes,
       AccessType::copy_dropped, place_of(copy.code, copy.where));
}

// Replayed ----------------------------------------------------------------------------------------

void Recorder::replay(unsigned warp) {
  if (warp < warps_.size()) {
    replayed_warp_ = warp;
    warps_[warp].replay(*this);
  }
}

void Recorder::replay_all() {
  for (unsigned warp = 0; warp < warps_.size(); ++warp) {
    replay(warp);
  }
}

void Recorder::issued(std::uint64_t count, unsigned lanes) {
  kernel_.steps += count;
  kernel_.lane_steps += count * lanes;
}

void Recorder::rendezvous(std::uint32_t mask, bool orders_memory) {
  if (orders_memory) {
    checker_.ordering.warp_sync(replayed_warp_, mask);
  }
}

void Recorder::access(const WarpAccess& access) {
  for (std::uint32_t rest = access.mask; rest != 0;) {
    const Operand& first = access.operand[lowest(rest)];
    std::uint32_t lanes = 0;
    for (std::uint32_t others = rest; others != 0; others &= others - 1) {
      lanes |= access.operand[lowest(others)].same_shape(first) ? 1U << lowest(others) : 0;
    }
    if (first.type() == AccessType::fence) {
      checker_.fence(replayed_warp_, lanes);
    } else {
      same_shape(access, lanes);
    }
    rest &= ~lanes;
  }
}

void Recorder::same_shape(const WarpAccess& access, std::uint32_t lanes) {
  Request request;
  while (lanes != 0) {
    const Operand& first = access.operand[lowest(lanes)];
    Region* region = memory_.region_at(first.address());
    request.mask = 0;
    request.bytes = first.bytes();
    if (region == nullptr) {
      return;  // out of bounds: its kernel has ended
    }
    for (std::uint32_t others = lanes; others != 0; others &= others - 1) {
      const unsigned lane = lowest(others);
      const std::uintptr_t address = access.operand[lane].address();
      if (region->holds(address, request.bytes)) {
        request.mask |= 1U << lane;
        request.address[lane] = address;
      }
    }
    if (request.mask == 0) {
      return;
    }
    this->request(*region, access.place, first.type(), request);
    lanes &= ~request.mask;
  }
}

// A request of the replayed warp to global memory: which warps and blocks make any.
void Recorder::take_part(AccessType type) {
  if (type == AccessType::load || type == AccessType::copy_source) {
    kernel_.loading_warps += warp_loads_[replayed_warp_] ? 0U : 1U;
    warp_loads_[replayed_warp_] = true;
  } else if (!block_stores_) {
    ++kernel_.storing_blocks;
    block_stores_ = true;
  }
}

void Recorder::request(Region& region, std::uint32_t place, AccessType type, const Request& request) {
  if (type != AccessType::copy_done && type != AccessType::copy_dropped) {
    counter_.count(region.space, place, type, request, kernel_);
    if (region.space == MemorySpace::global) {
      take_part(type);
    }
  }
  checker_.access(region, replayed_warp_, place, type, request);
}

// The end -----------------------------------------------------------------------------------------

Profile Recorder::take() {
  std::vector<std::uint32_t> places;
  for (const std::vector<Site>& sites : launch_sites_) {
    for (const Site& site : sites) {
      places.push_back(site.place);
    }
  }
  for (const std::vector<Finding>& findings : findings_) {
    for (const Finding& finding : findings) {
      places.push_back(finding.access.place);
      places.push_back(finding.other.place);
    }
  }
  source_.look_up(places);
  for (std::size_t i = 0; i < profile_.kernels.size(); ++i) {
    KernelProfile& kernel = profile_.kernels[i];
    add_lines(kernel, launch_sites_[i], source_);
    for (const Finding& finding : findings_[i]) {
      kernel.problems.push_back(name_problem(finding, kernel, source_));
    }
  }
  profile_.unique_bytes_loaded = checker_.profile_first_read;
  profile_.unique_bytes_stored = checker_.profile_first_written;
  return std::move(profile_);
}

}  // namespace rung::simt::profiling
