#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/simt/profile/addr2line.h"
#include "cuda/simt/profile/profile.h"

namespace rung::simt::profiling {

/// Where the executable starts in memory. Places in it are counted from there, so that they fit a Token.
std::uintptr_t executable_base();

/// Whether the address lies in what was loaded of the executable: its code, constants and variables.
bool in_executable(std::uintptr_t address);

/// Lines of places in the executable. What is known already is not asked again.
class SourceLines {
 public:
  /// Looks up all of these that are not known yet.
  void look_up(const std::vector<std::uint32_t>& places);
  /// The line of a place that was looked up. Where code was inlined it is the innermost line that is neither in
  /// cuda/simt/ nor in a header of cuda/ itself: the kernel's, not that of a helper such as __ldg or load16. An unknown
  /// place has an empty file.
  const SourceLine& of(std::uint32_t place) const;
  /// What the caller knows better.
  void set(std::uint32_t place, SourceLine line) { lines_.try_emplace(place, std::move(line)); }

 private:
  std::unordered_map<std::uint32_t, SourceLine> lines_;
  std::unique_ptr<Addr2line> addr2line_;  // from the first question on
};

/// The lines that this process has looked up so far: one profile() after another asks for the same ones.
SourceLines& known_lines();

/// A file's name from the root of the repository where it is below it.
std::string from_the_root(const std::string& file);

}  // namespace rung::simt::profiling
