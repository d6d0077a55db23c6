#include "cuda/simt/profile/source_lines.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>

#include <link.h>

namespace rung::simt::profiling {
namespace {

// Files whose lines tell less than the line that uses them: the device model's, and the helpers of all kernels, which
// lie in cuda/ itself.
bool of_the_device_model(const std::string& file) {
  return file.starts_with("cuda/simt/") ||
         (file.starts_with("cuda/") && file.find('/', 5) == std::string::npos);
}

// "/path/file.cuh:12 (discriminator 3)" -> file and line; "??:0" -> nothing.
SourceLine parse(std::string text) {
  if (const std::size_t blank = text.find(" ("); blank != std::string::npos) {
    text.resize(blank);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.starts_with("??")) {
    return {};
  }
  const int line = std::atoi(text.c_str() + colon + 1);
  return line == 0 ? SourceLine{} : SourceLine{.file = from_the_root(text.substr(0, colon)), .line = line};
}

struct Executable {
  std::uintptr_t base = 0;  // what its own addresses are counted from
  std::uintptr_t end = 0;
};

const Executable& executable() {
  static const Executable loaded = [] {
    Executable first;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
          auto* found = static_cast<Executable*>(out);
          found->base = info->dlpi_addr;
          for (const ElfW(Phdr) & part : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
            if (part.p_type == PT_LOAD) {
              found->end =
                  std::max<std::uintptr_t>(found->end, info->dlpi_addr + part.p_vaddr + part.p_memsz);
            }
          }
          return 1;  // the first object is the executable
        },
        &first);
    return first;
  }();
  return loaded;
}

}  // namespace

std::uintptr_t executable_base() {
  return executable().base;
}

bool in_executable(std::uintptr_t address) {
  return address >= executable().base && address < executable().end;
}

SourceLines& known_lines() {
  static SourceLines lines;
  return lines;
}

std::string from_the_root(const std::string& file) {
  namespace fs = std::filesystem;
  static const fs::path root = RUNG_SOURCE_DIR;
  // A compiler may have seen the file by a path relative to a build folder, perhaps of another copy of the repository:
  // the longest tail of the path that names a file below the root is the file.
  const fs::path path = fs::path(file).lexically_normal();
  for (auto from = path.begin(); from != path.end(); ++from) {
    fs::path tail;
    for (auto part = from; part != path.end(); ++part) {
      tail /= *part;
    }
    if (tail.is_relative() && std::distance(from, path.end()) > 1 && fs::exists(root / tail)) {
      return tail.generic_string();
    }
  }
  return path.generic_string();
}

void SourceLines::look_up(const std::vector<std::uint32_t>& places) {
  std::vector<std::uint32_t> unknown;
  std::vector<std::uintptr_t> calls;  // a place is where a call returns to; its line is the call's
  for (const std::uint32_t place : places) {
    if (lines_.try_emplace(place).second) {
      unknown.push_back(place);
      calls.push_back(std::uintptr_t{place} - 1);
    }
  }
  if (unknown.empty()) {
    return;
  }
  if (addr2line_ == nullptr) {
    addr2line_ = std::make_unique<Addr2line>();
  }
  SourceLine* current = nullptr;
  bool settled = false;
  std::size_t next = 0;
  for (const std::string& row : addr2line_->ask(calls)) {
    if (row.starts_with("0x") && row.find(':') == std::string::npos) {
      current = next < unknown.size() ? &lines_[unknown[next++]] : nullptr;
      settled = false;
    } else if (current != nullptr && !settled) {
      const SourceLine line = parse(row);
      if (current->file.empty() || (of_the_device_model(current->file) && !line.file.empty())) {
        *current = line;
      }
      settled = !current->file.empty() && !of_the_device_model(current->file);
    }
  }
}

const SourceLine& SourceLines::of(std::uint32_t place) const {
  static const SourceLine unknown;
  const auto found = lines_.find(place);
  return found == lines_.end() ? unknown : found->second;
}

}  // namespace rung::simt::profiling
