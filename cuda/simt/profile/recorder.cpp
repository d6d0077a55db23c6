#include "cuda/simt/profile/recorder.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string_view>

#include <cxxabi.h>
#include <fmt/format.h>

#include "core/error.h"
#include "cuda/simt/collective.h"
#include "cuda/simt/device_memory.h"
#include "cuda/simt/profile/problem_text.h"
#include "cuda/simt/symbols.h"

namespace rung::simt::profiling {

Recorder* recorder = nullptr;

namespace {

// A warp whose lanes have recorded this much is replayed at the next collective that all of them take part in.
constexpr std::size_t long_trace = std::size_t{1} << 15U;

// Beyond dynamic shared memory that far it is still meant.
constexpr std::uintptr_t near = 4096;

unsigned lowest(std::uint32_t mask) {
  return static_cast<unsigned>(std::countr_zero(mask));
}

std::array<unsigned, 3> extents(const dim3& d) {
  return {d.x, d.y, d.z};
}

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

Recorder::Recorder(const ProfileOptions& options) : options_(options) {
  if (recorder != nullptr) {
    throw Error(ErrorKind::usage, "profile() was called while another profile() runs");
  }
  follow_static_shared();
  dynamic_shared_ = std::make_unique<Region>(MemorySpace::shared, "dynamic shared memory", 0, 0);
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

// Which words of the executable's thread-local memory are __shared__ arrays.
void Recorder::follow_static_shared() {
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
}

void Recorder::allocated(const void* address, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  buffers_[begin] = std::make_unique<Region>(
      MemorySpace::global, fmt::format("device buffer {} ({} bytes)", ++buffers_made_, bytes), begin, bytes);
  buffer_bytes_ += bytes;
  last_buffer_ = nullptr;
}

void Recorder::released(const void* address) {
  const auto found = buffers_.find(reinterpret_cast<std::uintptr_t>(address));
  if (found != buffers_.end()) {
    buffer_bytes_ -= found->second->bytes;
    buffers_.erase(found);
  }
  last_buffer_ = nullptr;
}

void Recorder::uploaded(const void* address, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  if (Region* region = global_at(begin); region != nullptr && region->holds(begin, bytes)) {
    region->mark_initialised(begin, bytes);
  }
}

Region* Recorder::global_at(std::uintptr_t address) {
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

Region* Recorder::region_at(std::uintptr_t address) {
  for (Region* shared : {static_shared_.get(), dynamic_shared_.get()}) {
    if (address - shared->begin < shared->bytes) {
      return shared;
    }
  }
  return global_at(address);
}

std::string Recorder::nearest_buffer(std::uintptr_t address, std::size_t bytes) const {
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

// Hooks -------------------------------------------------------------------------------------------

// The trace of a thread. The executor leaves a warp when none of its lanes can go on before the block does.
LaneTrace& Recorder::lane_of(const ThreadState& thread) {
  if (const unsigned warp = thread.index / lanes_in_warp; warp != warp_) {
    replay(warp_);
    warp_ = warp;
  }
  return *traces_[thread.index];
}

std::uint32_t Recorder::place_of(const void* code) const {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(code) - base_);
}

void Recorder::hook_token(const ThreadState& thread, Token::Kind kind, const void* code) {
  if (kind == Token::Kind::call) {
    stacks_[thread.index] = reinterpret_cast<std::uintptr_t>(thread.stack_low);
    stack_bytes_ = thread.stack_bytes;
  }
  lane_of(thread).tokens.emplace_back(kind, place_of(code));
}

// Called for every access of every lane: what is as most are is written down at once.
void Recorder::hook_access(const ThreadState& thread, std::uintptr_t address, std::size_t bytes,
                           AccessType type, const void* code) {
  const std::uintptr_t byte = address - static_shared_->begin;
  bool usual = bytes <= most_lane_bytes && std::has_single_bit(bytes);
  if (byte < static_shared_->bytes) {
    if (static_words_[byte / 4] == StaticWord::not_memory) {
      return;
    }
    usual = usual && static_words_[byte / 4] == StaticWord::array;
  } else {
    usual = usual && (dynamic_shared_->holds(address, bytes) ||
                      (last_buffer_ != nullptr && last_buffer_->holds(address, bytes)));
  }
  if (usual) {
    lane_of(thread).access(place_of(code), Operand(type, static_cast<unsigned>(bytes), address));
  } else {
    push(thread, address, bytes, type, place_of(code));
  }
}

void Recorder::push(const ThreadState& thread, std::uintptr_t address, std::size_t bytes, AccessType type,
                    std::uint32_t place) {
  if (const std::uintptr_t byte = address - static_shared_->begin; byte < static_shared_->bytes) {
    if (static_words_[byte / 4] == StaticWord::not_memory) {
      return;  // threadIdx and its like
    }
    if (static_words_[byte / 4] == StaticWord::gap || byte + bytes > static_shared_->bytes) {
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
  if (const auto begin = reinterpret_cast<std::uintptr_t>(thread.dynamic_low);
      begin != dynamic_shared_->begin || thread.dynamic_bytes != dynamic_shared_->bytes) {
    dynamic_shared_ =
        std::make_unique<Region>(MemorySpace::shared, "dynamic shared memory", begin, thread.dynamic_bytes);
  }
  if (dynamic_shared_->holds(address, bytes)) {
    return true;
  }
  if (const Region* region = global_at(address); region != nullptr && region->holds(address, bytes)) {
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
  std::string memory;
  if (const std::size_t byte = address - static_shared_->begin; byte < static_shared_->bytes) {
    const auto after = std::find_if(static_shared_->parts.begin(), static_shared_->parts.end(),
                                    [&](const Region::Part& part) { return part.begin > byte; });
    memory = after == static_shared_->parts.begin()
                 ? "static shared memory"
                 : fmt::format("what is behind {} ({} bytes)", after[-1].name, after[-1].bytes);
  } else if (address - (dynamic_shared_->begin - near) < dynamic_shared_->bytes + 2 * near) {
    memory =
        fmt::format("byte {} of dynamic shared memory ({} bytes)",
                    static_cast<std::ptrdiff_t>(address - dynamic_shared_->begin), dynamic_shared_->bytes);
  } else {
    memory = nearest_buffer(address, bytes);
  }
  checker_.report(ProblemKind::out_of_bounds, memory, fmt::format("{} bytes", bytes), place, type,
                  thread.index);
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

// The executor ------------------------------------------------------------------------------------

std::uint32_t Recorder::place_of(const void* code, Where where) {
  const auto place = place_of(code);
  if (where.line != 0 && named_.insert(place).second) {
    source_.set(place, {.file = from_the_root(where.file), .line = where.line});
  }
  return place;
}

void Recorder::launch_begins(const LaunchInfo& info) {
  kernel_ = {};
  kernel_.name = info.name;
  kernel_.grid = extents(info.grid);
  kernel_.block = extents(info.block);
  kernel_.dynamic_shared_bytes = info.shared_bytes;
  dynamic_shared_ =
      std::make_unique<Region>(MemorySpace::shared, "dynamic shared memory", 0, 0);  // until a thread tells
  arguments_ = reinterpret_cast<std::uintptr_t>(info.arguments);
  argument_bytes_ = info.argument_bytes;
  const DeviceDescription& target = options_.device != nullptr ? *options_.device : device();
  const unsigned resident =
      resident_blocks(target, info.block.x * info.block.y * info.block.z,
                      info.shared_bytes + info.static_shared_bytes, options_.registers_per_thread);
  kernel_.blocks_in_a_wave = std::uint64_t{target.sms} * resident;
  const std::size_t capacity =
      options_.l2_bytes != 0 ? options_.l2_bytes : std::max<std::size_t>(4096, buffer_bytes_ / 8);
  traffic_.emplace(capacity, kernel_.blocks_in_a_wave);
  kernel_.l2_bytes = traffic_->l2().bytes();
  checker_.launch_begins();
  sites_.clear();
  site_of_.clear();
  events_.clear();
}

void Recorder::launch_ends() {
  replay_all();
  traffic_->finish();
  checker_.launch_ends();
  kernel_.unique_bytes_loaded = checker_.bytes_first_read;
  kernel_.unique_bytes_stored = checker_.bytes_first_written;
  kernel_.l2_sectors = traffic_->sectors();
  kernel_.dram_bytes_loaded = traffic_->l2().sectors_fetched() * sector_bytes;
  kernel_.dram_bytes_stored = traffic_->l2().sectors_written_back() * sector_bytes;
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
  launch_sites_.push_back(std::move(sites_));
  traffic_.reset();
  threads_ = 0;
}

void Recorder::block_begins(const BlockInfo& info) {
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
  checker_.block_begins(info.linear, info.threads);
  traffic_->block_begins();
}

void Recorder::block_ends() {
  replay_all();
}

void Recorder::block_barrier(Where where) {
  ++events_[{where.file, where.line, "__syncthreads"}];
  replay_all();
  checker_.block_barrier();
  ++kernel_.block_barriers;
}

void Recorder::warp_event(const WarpEvent& event) {
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
  const std::uint32_t place = place_of(copy.code, copy.where);
  if (copy.source_bytes != 0) {
    push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.source), copy.source_bytes,
         AccessType::copy_source, place);
  }
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.destination), copy.bytes,
       AccessType::copy_destination, place);
}

void Recorder::copy_done(const AsyncCopy& copy) {
  push(*current_thread(), reinterpret_cast<std::uintptr_t>(copy.destination), copy.bytes,
       AccessType::copy_done, place_of(copy.code, copy.where));
}

void Recorder::copy_dropped(const AsyncCopy& copy) {
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
    Region* region = region_at(first.address());
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

void Recorder::request(Region& region, std::uint32_t place, AccessType type, const Request& request) {
  if (type != AccessType::copy_done && type != AccessType::copy_dropped) {
    if (region.space == MemorySpace::global) {
      count_global(place, type, request);
    } else {
      count_shared(place, type, request);
    }
  }
  checker_.access(region, replayed_warp_, place, type, request);
}

Recorder::Site& Recorder::site(std::uint32_t place, MemorySpace space, AccessKind kind, unsigned bytes) {
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

void Recorder::count_global(std::uint32_t place, AccessType type, const Request& request) {
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
      kernel_.global_stores += one;
      break;
    case AccessType::atomic: {
      const unsigned again = count_collisions(request);
      at.collisions += again;
      kernel_.atomic_collisions += again;
      kernel_.global_atomics += one;
      break;
    }
    default:
      kernel_.global_loads += one;
      break;
  }
  traffic_->request(sectors, type != AccessType::store,
                    type == AccessType::store || type == AccessType::atomic);
}

void Recorder::count_shared(std::uint32_t place, AccessType type, const Request& request) {
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
      kernel_.shared_loads += one;
      break;
    case AccessType::atomic: {
      const unsigned again = count_collisions(request);
      at.collisions += again;
      kernel_.atomic_collisions += again;
      kernel_.shared_atomics += one;
      break;
    }
    default:
      kernel_.shared_stores += one;
      break;
  }
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
    for (const Site& site : launch_sites_[i]) {
      const SourceLine& where = source_.of(site.place);
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
    for (const Finding& finding : findings_[i]) {
      kernel.problems.push_back(name_problem(finding, kernel, source_));
    }
  }
  profile_.unique_bytes_loaded = checker_.profile_first_read;
  profile_.unique_bytes_stored = checker_.profile_first_written;
  return std::move(profile_);
}

}  // namespace rung::simt::profiling
