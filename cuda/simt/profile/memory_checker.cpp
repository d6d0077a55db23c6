#include "cuda/simt/profile/memory_checker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

namespace rung::simt::profiling {

Region::Region(MemorySpace which, std::string called, std::uintptr_t address, std::size_t count)
    : space(which), name(std::move(called)), begin(address), bytes(count), cells((count + 3) / 4) {}

std::string Region::describe(std::uintptr_t address) const {
  const std::size_t byte = address - begin;
  const auto after = std::upper_bound(parts.begin(), parts.end(), byte,
                                      [](std::size_t b, const Part& part) { return b < part.begin; });
  if (after != parts.begin() && byte - after[-1].begin < after[-1].bytes) {
    return fmt::format("byte {} of {}", byte - after[-1].begin, after[-1].name);
  }
  return fmt::format("byte {} of {}", byte, name);
}

void Region::refine(std::uintptr_t address, unsigned count) {
  while (((address - begin) | count) & ((1U << shift) - 1U)) {
    --shift;
    std::vector<Cell> smaller;
    smaller.reserve(2 * cells.size());
    for (const Cell& cell : cells) {
      smaller.push_back(cell);
      smaller.push_back(cell);
    }
    cells = std::move(smaller);
  }
}

void Region::mark_initialised(std::uintptr_t address, std::size_t count) {
  refine_for(address, static_cast<unsigned>(count & 3U) | 4U);
  const std::size_t first = (address - begin) >> shift;
  std::for_each_n(cells.begin() + static_cast<std::ptrdiff_t>(first), count >> shift,
                  [](Cell& cell) { cell.initialised = true; });
}

struct MemoryChecker::Now {
  const Region& region;
  std::uintptr_t address;  // of the cell
  unsigned bytes;          // of the cell
  std::uint32_t place;
  AccessType type;
  unsigned warp;
  std::uint32_t lanes;  // which all name this cell
  std::uint32_t interval;
  std::uint32_t ticket;

  unsigned lane() const { return static_cast<unsigned>(std::countr_zero(lanes)); }
  unsigned thread() const { return warp * lanes_in_warp + lane(); }
  PastAccess past() const {
    return {
        .moment = {.interval = interval, .ticket = ticket, .thread = static_cast<std::uint16_t>(thread())},
        .type = type,
        .place = place};
  }
};

void MemoryChecker::launch_begins() {
  ordering.launch_begins();
  findings.clear();
  known_.clear();
  left_out = 0;
  exact_.assign(1, {});
  copies_.assign(1, {});
  released_.clear();
  bytes_first_read = bytes_first_written = 0;
}

void MemoryChecker::launch_ends() {
  // A copy that was read too early has been named, with both lines.
  std::erase_if(findings, [this](const Finding& finding) {
    return finding.kind == ProblemKind::unwaited_copy && !finding.has_other &&
           std::any_of(findings.begin(), findings.end(), [&](const Finding& early) {
             return early.kind == ProblemKind::unwaited_copy && early.has_other &&
                    early.other.place == finding.access.place;
           });
  });
  // What was read before it was written, because nothing made the reader wait, is a race and named as one.
  std::erase_if(findings, [this](const Finding& finding) {
    return finding.kind == ProblemKind::uninitialised_read &&
           std::any_of(findings.begin(), findings.end(), [&](const Finding& race) {
             return (race.kind == ProblemKind::race || race.kind == ProblemKind::race_across_blocks) &&
                    (race.access.place == finding.access.place || race.other.place == finding.access.place);
           });
  });
}

void MemoryChecker::block_begins(unsigned linear, unsigned threads) {
  block_ = linear;
  fenced_.assign(threads, false);
  acquired_.clear();
  ordering.block_begins(linear, threads);
  exact_.assign(1, {});
}

void MemoryChecker::block_barrier() {
  ordering.block_barrier();
  exact_.assign(1, {});
}

Finding::Side MemoryChecker::side_of(const PastAccess& past) const {
  return {.place = past.place,
          .type = past.type,
          .block = ordering.block_of(past.moment.interval),
          .thread = past.moment.thread};
}

void MemoryChecker::add(ProblemKind kind, const Region& region, std::uintptr_t address, std::string detail,
                        const Finding::Side& side, const Finding::Side* other) {
  const auto [known, fresh] =
      known_.try_emplace({kind, side.place, other != nullptr ? other->place : 0}, findings.size());
  if (!fresh) {
    if (known->second < findings.size()) {
      ++findings[known->second].times;
    }
    return;
  }
  if (findings.size() >= most_findings) {
    known->second = most_findings;
    ++left_out;
    return;
  }
  Finding finding;
  finding.kind = kind;
  finding.memory = region.describe(address);
  finding.detail = std::move(detail);
  finding.access = side;
  finding.has_other = other != nullptr;
  if (other != nullptr) {
    finding.other = *other;
  }
  finding.times = 1;
  findings.push_back(std::move(finding));
}

void MemoryChecker::found(ProblemKind kind, const Now& now, unsigned lane, const PastAccess* other) {
  const Finding::Side side{
      .place = now.place, .type = now.type, .block = block_, .thread = now.warp * lanes_in_warp + lane};
  if (other == nullptr) {
    add(kind, now.region, now.address, "", side, nullptr);
  } else {
    const Finding::Side earlier = side_of(*other);
    add(kind, now.region, now.address, "", side, &earlier);
  }
}

void MemoryChecker::report(ProblemKind kind, std::string memory, std::string detail, std::uint32_t place,
                           AccessType type, unsigned thread) {
  const auto [known, fresh] = known_.try_emplace({kind, place, 0}, findings.size());
  if (!fresh) {
    if (known->second < findings.size()) {
      ++findings[known->second].times;
    }
    return;
  }
  if (findings.size() >= most_findings) {
    known->second = most_findings;
    ++left_out;
    return;
  }
  Finding finding;
  finding.kind = kind;
  finding.memory = std::move(memory);
  finding.detail = std::move(detail);
  finding.access = {.place = place, .type = type, .block = block_, .thread = thread};
  finding.times = 1;
  findings.push_back(std::move(finding));
}

void MemoryChecker::fence(unsigned warp, std::uint32_t lanes) {
  for (; lanes != 0; lanes &= lanes - 1) {
    fenced_[warp * lanes_in_warp + static_cast<unsigned>(std::countr_zero(lanes))] = true;
  }
}

// Whether an interval of this launch belongs to another block that nothing orders before this one.
bool MemoryChecker::in_unordered_block(std::uint32_t interval) const {
  return ordering.in_another_block(interval) &&
         !std::binary_search(acquired_.begin(), acquired_.end(), ordering.block_of(interval));
}

// An atomic operation after a fence: this block learns what others have told at that address, and tells.
void MemoryChecker::synchronise_blocks(const Now& now) {
  std::uint32_t lanes = now.lanes;
  while (lanes != 0 && !fenced_[now.warp * lanes_in_warp + static_cast<unsigned>(std::countr_zero(lanes))]) {
    lanes &= lanes - 1;
  }
  if (lanes == 0) {
    return;
  }
  std::vector<unsigned>& released = released_[now.address];
  acquired_.insert(acquired_.end(), released.begin(), released.end());
  std::sort(acquired_.begin(), acquired_.end());
  acquired_.erase(std::unique(acquired_.begin(), acquired_.end()), acquired_.end());
  if (released.empty() || released.back() != block_) {
    released.push_back(block_);
  }
}

void MemoryChecker::check_copy(const Cell& cell, const Now& now) {
  if (!under_way(cell)) {
    return;
  }
  // Whoever could not know of the copy races with it; others did not wait long enough.
  const PastAccess& copy = copies_[cell.copy];
  for (std::uint32_t lanes = now.lanes; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(lanes));
    if (!ordering.before(copy.moment, now.warp * lanes_in_warp + lane)) {
      found(ProblemKind::race, now, lane, &copy);
      return;
    }
  }
  found(ProblemKind::unwaited_copy, now, now.lane(), &copy);
}

// Whether an earlier write by somebody else is not ordered before this access, which is then a finding.
bool MemoryChecker::check_against(const PastAccess& past, const Now& now) {
  const Moment& then = past.moment;
  if (!ordering.in_this_launch(then.interval) ||
      (now.region.space == MemorySpace::shared && !ordering.in_this_block(then.interval))) {
    return false;
  }
  if (!ordering.in_this_block(then.interval)) {
    if (in_unordered_block(then.interval)) {
      found(ProblemKind::race_across_blocks, now, now.lane(), &past);
      return true;
    }
    return false;
  }
  if (then.interval != now.interval) {
    return false;
  }
  if (then.warp() != now.warp) {
    found(ProblemKind::race, now, now.lane(), &past);
    return true;
  }
  for (std::uint32_t rest = now.lanes & ~(1U << then.lane()); rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    if (!ordering.lane_before(then, lane)) {
      found(ProblemKind::race, now, lane, &past);
      return true;
    }
  }
  return false;
}

void MemoryChecker::check_against_write(const Cell& cell, const Now& now) {
  if (cell.write.type != AccessType::atomic) {
    check_against(cell.write, now);
  } else if (now.type == AccessType::atomic) {
    check_against(cell.store, now);
  } else {
    check_against_atomics(cell, now);
  }
}

// A plain access after atomics: all of them must be ordered before it, not the last one alone.
void MemoryChecker::check_against_atomics(const Cell& cell, const Now& now) {
  if (check_against(cell.write, now) || check_against(cell.other_atomic, now) ||
      cell.write.moment.interval != now.interval) {
    return;
  }
  PastAccess past = cell.write;
  for (std::uint32_t lanes = cell.atomics; lanes != 0; lanes &= lanes - 1) {
    past.moment.thread = static_cast<std::uint16_t>(cell.write.moment.warp() * lanes_in_warp +
                                                    static_cast<unsigned>(std::countr_zero(lanes)));
    if (check_against(past, now)) {
      return;
    }
  }
}

// Whether an access is in another block, and so at odds with this block's whatever barriers come.
bool MemoryChecker::stays_at_odds(const PastAccess& past, const Now& now) const {
  return now.region.space == MemorySpace::global && ordering.in_another_block(past.moment.interval);
}

void MemoryChecker::remember_atomic(Cell& cell, const Now& now) {
  const Moment& last = cell.write.moment;
  if (cell.write.type != AccessType::atomic) {
    cell.store = cell.write;
    cell.other_atomic = {};
    cell.atomics = 0;
  } else if (last.interval != now.interval || last.warp() != now.warp) {
    if (!stays_at_odds(cell.other_atomic, now) &&
        (last.interval == now.interval || stays_at_odds(cell.write, now))) {
      cell.other_atomic = cell.write;
    }
    cell.atomics = 0;
  } else if (last.ticket != now.ticket) {
    cell.atomics = 0;
  }
  cell.atomics |= now.lanes;
  cell.write = now.past();
}

void MemoryChecker::check_against_reads(const Cell& cell, const Now& now) {
  for (const PastAccess* past : {&cell.read, &cell.other_read}) {
    const Moment& then = past->moment;
    if (now.region.space == MemorySpace::global && in_unordered_block(then.interval)) {
      found(ProblemKind::race_across_blocks, now, now.lane(), past);
      return;
    }
    if (then.interval == now.interval && then.warp() != now.warp) {
      found(ProblemKind::race, now, now.lane(), past);
      return;
    }
  }
  if (cell.read.moment.interval != now.interval) {
    return;
  }
  for (std::uint32_t readers = cell.readers; readers != 0; readers &= readers - 1) {
    const auto reader = static_cast<unsigned>(std::countr_zero(readers));
    PastAccess past = cell.read;
    past.moment.thread = static_cast<std::uint16_t>(now.warp * lanes_in_warp + reader);
    if (cell.exact != 0) {
      past.moment.ticket = exact_[cell.exact].ticket[reader];
      past.place = exact_[cell.exact].place[reader];
    }
    for (std::uint32_t rest = now.lanes & ~(1U << reader); rest != 0; rest &= rest - 1) {
      const auto lane = static_cast<unsigned>(std::countr_zero(rest));
      if (!ordering.lane_before(past.moment, lane)) {
        found(ProblemKind::race, now, lane, &past);
        return;
      }
    }
  }
}

// The last reads are of the same warp and interval: who of them must still be remembered?
void MemoryChecker::remember_reader_of_the_warp(Cell& cell, const Now& now) {
  const bool same = cell.exact == 0 && cell.read.moment.ticket == now.ticket && cell.read.place == now.place;
  if (!same) {
    std::uint32_t unordered = 0;
    for (std::uint32_t readers = cell.readers & ~now.lanes; readers != 0; readers &= readers - 1) {
      const auto reader = static_cast<unsigned>(std::countr_zero(readers));
      Moment then = cell.read.moment;
      then.thread = static_cast<std::uint16_t>(now.warp * lanes_in_warp + reader);
      then.ticket = cell.exact != 0 ? exact_[cell.exact].ticket[reader] : then.ticket;
      // A later write that is ordered after the new read is ordered after this one too.
      unordered |= ordering.lane_before(then, now.lane()) ? 0 : 1U << reader;
    }
    if (unordered != 0) {
      if (cell.exact == 0) {
        ExactReaders all;
        all.ticket.fill(cell.read.moment.ticket);
        all.place.fill(cell.read.place);
        cell.exact = static_cast<std::uint32_t>(exact_.size());
        exact_.push_back(all);
      }
      for (std::uint32_t lanes = now.lanes; lanes != 0; lanes &= lanes - 1) {
        const auto lane = static_cast<unsigned>(std::countr_zero(lanes));
        exact_[cell.exact].ticket[lane] = now.ticket;
        exact_[cell.exact].place[lane] = now.place;
      }
    } else {
      cell.exact = 0;
    }
    cell.readers = unordered;
  }
  cell.readers |= now.lanes;
  cell.read = now.past();
}

void MemoryChecker::remember_read(Cell& cell, const Now& now) {
  const Moment& last = cell.read.moment;
  if (last.interval == now.interval && last.warp() == now.warp) {
    remember_reader_of_the_warp(cell, now);
    return;
  }
  if (!stays_at_odds(cell.other_read, now) &&
      (last.interval == now.interval || stays_at_odds(cell.read, now))) {
    cell.other_read = cell.read;
  }
  cell.read = now.past();
  cell.readers = now.lanes;
  cell.exact = 0;
}

void MemoryChecker::load(Cell& cell, const Now& now) {
  const bool global = now.region.space == MemorySpace::global;
  if (under_way(cell)) {
    check_copy(cell, now);
  } else if (global ? !cell.initialised : !ordering.in_this_block(cell.write.moment.interval)) {
    found(ProblemKind::uninitialised_read, now, now.lane(), nullptr);
  }
  if (!under_way(cell)) {
    check_against_write(cell, now);
  }
  if (global && !ordering.in_this_launch(cell.read.moment.interval) &&
      !ordering.in_this_launch(cell.write.moment.interval)) {
    bytes_first_read += now.bytes;
    profile_first_read += cell.read.moment.interval == 0 && cell.write.moment.interval == 0 ? now.bytes : 0;
  }
  remember_read(cell, now);
}

void MemoryChecker::store(Cell& cell, const Now& now) {
  if (now.type == AccessType::copy_done || now.type == AccessType::copy_dropped) {
    if (under_way(cell) && copies_[cell.copy].moment.thread == now.thread()) {
      if (now.type == AccessType::copy_dropped) {
        found(ProblemKind::unwaited_copy, now, now.lane(), nullptr);
      } else {
        cell.write = now.past();
      }
      cell.copy = 0;
    }
    return;
  }
  const bool copied_to = under_way(cell);
  check_copy(cell, now);
  if (now.type == AccessType::atomic && now.region.space == MemorySpace::global) {
    synchronise_blocks(now);
  }
  if (!copied_to) {
    check_against_write(cell, now);
    check_against_reads(cell, now);
  }
  if (std::has_single_bit(now.lanes)) {
    // one lane
  } else if (now.type != AccessType::atomic) {
    const PastAccess first = now.past();
    found(ProblemKind::race, now, static_cast<unsigned>(std::countr_zero(now.lanes & (now.lanes - 1))),
          &first);
  }
  if (now.region.space == MemorySpace::global && !ordering.in_this_launch(cell.write.moment.interval)) {
    // An atomic needs the old value too.
    if (now.type == AccessType::atomic && !ordering.in_this_launch(cell.read.moment.interval)) {
      bytes_first_read += now.bytes;
      profile_first_read += cell.read.moment.interval == 0 && cell.write.moment.interval == 0 ? now.bytes : 0;
    }
    bytes_first_written += now.bytes;
    profile_first_written += cell.write.moment.interval == 0 ? now.bytes : 0;
  }
  if (now.type == AccessType::atomic && now.region.space == MemorySpace::global && !cell.initialised) {
    found(ProblemKind::uninitialised_read, now, now.lane(), nullptr);
  }
  if (now.type == AccessType::atomic && now.region.space == MemorySpace::shared &&
      !ordering.in_this_block(cell.write.moment.interval)) {
    found(ProblemKind::uninitialised_read, now, now.lane(), nullptr);
  }
  if (now.type == AccessType::atomic) {
    remember_atomic(cell, now);
  } else {
    cell.write = now.past();
  }
  cell.initialised = true;
  if (now.type == AccessType::copy_destination) {
    cell.copy = static_cast<std::uint32_t>(copies_.size());
    copies_.push_back(now.past());
  } else {
    cell.copy = 0;
  }
}

void MemoryChecker::access(Region& region, unsigned warp, std::uint32_t place, AccessType type,
                           const Request& request) {
  const bool reads = type == AccessType::load || type == AccessType::copy_source;
  std::uint32_t lanes = request.mask;
  while (lanes != 0) {
    const auto lane = static_cast<unsigned>(std::countr_zero(lanes));
    const std::uintptr_t address = request.address[lane];
    // Neighbours that name the same bytes are one access: the broadcasts.
    std::uint32_t together = 0;
    do {
      together |= lanes & -lanes;
      lanes &= lanes - 1;
    } while (lanes != 0 && request.address[static_cast<unsigned>(std::countr_zero(lanes))] == address);
    region.refine_for(address, request.bytes);
    Now now{.region = region,
            .address = address,
            .bytes = 1U << region.shift,
            .place = place,
            .type = type,
            .warp = warp,
            .lanes = together,
            .interval = ordering.interval(),
            .ticket = ordering.ticket(warp)};
    Cell* cell = &region.cells[(address - region.begin) >> region.shift];
    for (unsigned done = 0; done < request.bytes; done += now.bytes, now.address += now.bytes, ++cell) {
      reads ? load(*cell, now) : store(*cell, now);
    }
  }
}

}  // namespace rung::simt::profiling
