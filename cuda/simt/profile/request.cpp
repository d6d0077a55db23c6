#include "cuda/simt/profile/request.h"

#include <algorithm>
#include <bit>

namespace rung::simt::profiling {
namespace {

// Addresses of the lanes in the mask, rising. Most kernels' are already.
struct RisingAddresses {
  unsigned count = 0;
  std::array<std::uintptr_t, lanes_in_warp> address;

  explicit RisingAddresses(const Request& request) {
    bool rising = true;
    std::uintptr_t last = 0;
    for (std::uint32_t rest = request.mask; rest != 0; rest &= rest - 1) {
      const std::uintptr_t a = request.address[static_cast<unsigned>(std::countr_zero(rest))];
      rising &= a >= last;
      last = a;
      address[count++] = a;
    }
    if (!rising) {
      std::sort(address.begin(), address.begin() + count);
    }
  }
};

constexpr unsigned divide_up(unsigned a, unsigned b) {
  return (a + b - 1) / b;
}

// The words of some lanes, bank by bank.
class Banks {
 public:
  void add(std::uintptr_t word) { words_[count_++] = word; }

  // The most different words in one bank, or all words in one bank when equal ones do not merge.
  unsigned worst(bool merge, unsigned& different) {
    std::array<std::uintptr_t, shared_banks> first{};
    std::uint32_t taken = 0;
    bool conflict = false;
    different = 0;
    for (unsigned i = 0; i < count_; ++i) {
      const auto bank = static_cast<unsigned>(words_[i] % shared_banks);
      if ((taken >> bank & 1U) == 0) {
        taken |= 1U << bank;
        first[bank] = words_[i];
        ++different;
      } else if (first[bank] != words_[i] || !merge) {
        conflict = true;
      }
    }
    if (!conflict) {
      return count_ == 0 ? 0 : 1;
    }
    std::sort(words_.begin(), words_.begin() + count_);
    const auto distinct_end = std::unique(words_.begin(), words_.begin() + (merge ? count_ : 0));
    const auto end = merge ? distinct_end : words_.begin() + count_;
    std::array<unsigned, shared_banks> in_bank{};
    unsigned most = 0;
    different = 0;
    for (auto word = words_.begin(); word != end; ++word) {
      most = std::max(most, ++in_bank[*word % shared_banks]);
      different += word == words_.begin() || word[-1] != *word ? 1 : 0;
    }
    return most;
  }

 private:
  unsigned count_ = 0;
  std::array<std::uintptr_t, std::size_t{2} * lanes_in_warp> words_;
};

// Whether the whole warp names one word, or 32 words in a row: most requests do.
bool is_plain(const Request& request) {
  if (request.mask != 0xffffffffU || request.bytes != bank_word_bytes ||
      request.address[0] % bank_word_bytes != 0) {
    return false;
  }
  bool same = true;
  bool in_a_row = true;
  for (unsigned lane = 1; lane < lanes_in_warp; ++lane) {
    same &= request.address[lane] == request.address[0];
    in_a_row &= request.address[lane] == request.address[0] + std::uintptr_t{bank_word_bytes} * lane;
  }
  return same || in_a_row;
}

}  // namespace

void find_sectors(const Request& request, Sectors& out) {
  const RisingAddresses lanes(request);
  out.count = 0;
  unsigned different_bytes = 0;
  std::uintptr_t end = 0;  // of what was counted
  for (unsigned i = 0; i < lanes.count; ++i) {
    const std::uintptr_t first = lanes.address[i];
    const std::uintptr_t last = first + request.bytes - 1;
    if (last + 1 > end) {
      different_bytes += static_cast<unsigned>(last + 1 - std::max(first, end));
      end = last + 1;
    }
    for (std::uintptr_t s = first / sector_bytes; s <= last / sector_bytes; ++s) {
      if (out.count == 0 || out.number[out.count - 1] < s) {
        out.number[out.count++] = s;
      }
    }
  }
  out.ideal = divide_up(different_bytes, sector_bytes);
}

Wavefronts count_wavefronts(const Request& request, bool merge) {
  if (merge && is_plain(request)) {
    return {.count = 1, .ideal = 1};
  }
  const unsigned lanes_at_once = request.bytes <= 4 ? 32 : request.bytes <= 8 ? 16 : 8;
  Wavefronts all;
  for (unsigned begin = 0; begin < lanes_in_warp; begin += lanes_at_once) {
    Banks banks;
    for (unsigned lane = begin; lane < begin + lanes_at_once; ++lane) {
      if ((request.mask >> lane & 1U) != 0) {
        const std::uintptr_t a = request.address[lane];
        for (std::uintptr_t word = a / bank_word_bytes; word <= (a + request.bytes - 1) / bank_word_bytes;
             ++word) {
          banks.add(word);
        }
      }
    }
    unsigned different = 0;
    all.count += banks.worst(merge, different);
    all.ideal += divide_up(different, shared_banks);
  }
  return all;
}

unsigned count_collisions(const Request& request) {
  const RisingAddresses lanes(request);
  unsigned again = 0;
  for (unsigned i = 1; i < lanes.count; ++i) {
    again += lanes.address[i] == lanes.address[i - 1] ? 1 : 0;
  }
  return again;
}

}  // namespace rung::simt::profiling
