#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rung::simt::profiling {

/// addr2line of binutils for this executable, kept running: it reads the debug information once, which takes longer
/// than the answers do.
class Addr2line {
 public:
  /// Starts it. Where there is none, ask() answers nothing.
  Addr2line();

  /// What it says of addresses in the executable's file, row by row: for each address itself, "0x…", then its line,
  /// then the lines that it was inlined into.
  std::vector<std::string> ask(std::span<const std::uintptr_t> addresses);

 private:
  // Both ways. Closed, it ends the process.
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> socket_{nullptr, std::fclose};
};

}  // namespace rung::simt::profiling
