#include "core/measure/memory.h"

#include <fstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>
#if __has_include(<malloc.h>)
#include <malloc.h>  // mallopt, of the GNU C library
#endif

namespace rung::measure {
namespace {

/// The value of a line such as "VmHWM:   1234 kB", in bytes; 0 when there is no such line.
std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    std::int64_t kibibytes = 0;
    if (name == field + ":" && status >> kibibytes) return kibibytes * 1024;
    std::getline(status, name);  // the rest of a line that is of no interest
  }
  return 0;
}

/// Fills what is allocated from now on with the complement of `byte`, and what is freed with it; not at all when it is 0.
void fill_allocations([[maybe_unused]] int byte) {
#ifdef M_PERTURB
  mallopt(M_PERTURB, byte);
#endif
}

}  // namespace

std::int64_t peak_resident_bytes() {
  if (const std::int64_t bytes = status_bytes("VmHWM"); bytes > 0) return bytes;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux counts it in KiB
}

std::int64_t physical_memory_bytes() {
  return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
}

ZeroedMemory::ZeroedMemory() {
  fill_allocations(0xFF);
}
ZeroedMemory::~ZeroedMemory() {
  fill_allocations(0);
}

}  // namespace rung::measure
