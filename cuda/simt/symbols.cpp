#include "cuda/simt/symbols.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cuda/simt/report.h"

namespace rung::simt {

namespace {

/// Where the executable was loaded, and its thread-local block on the calling OS thread.
struct Loaded {
  std::uintptr_t base = 0;
  const void* thread_local_low = nullptr;
  std::size_t thread_local_bytes = 0;
};

Loaded loaded() {
  Loaded result;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        auto& where = *static_cast<Loaded*>(out);
        where.base = object->dlpi_addr;
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          if (object->dlpi_phdr[i].p_type != PT_TLS) continue;
          where.thread_local_low = object->dlpi_tls_data;
          where.thread_local_bytes = object->dlpi_phdr[i].p_memsz;
        }
        return 1;  // the first object is the executable
      },
      &result);
  return result;
}

/// The executable's file, mapped while its symbols are read.
class ExecutableFile {
 public:
  ExecutableFile() {
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    struct stat facts {};
    if (fstat(file, &facts) == 0 && facts.st_size > static_cast<off_t>(sizeof(ElfW(Ehdr)))) {
      bytes_ = static_cast<std::size_t>(facts.st_size);
      memory_ = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    close(file);
  }
  ~ExecutableFile() {
    if (memory_ != MAP_FAILED) munmap(memory_, bytes_);
  }
  ExecutableFile(const ExecutableFile&) = delete;
  ExecutableFile& operator=(const ExecutableFile&) = delete;

  /// Calls `with` for every symbol and its name. The kernel has loaded this file: what it says of itself holds.
  template <typename With>
  void for_each_symbol(With with) const {
    if (memory_ == MAP_FAILED) return;
    const auto* start = static_cast<const char*>(memory_);
    const auto& header = *reinterpret_cast<const ElfW(Ehdr)*>(start);
    if (header.e_shoff == 0 || header.e_shoff + header.e_shnum * sizeof(ElfW(Shdr)) > bytes_) return;
    const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(start + header.e_shoff);
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      if (sections[i].sh_type != SHT_SYMTAB) continue;
      const char* names = start + sections[sections[i].sh_link].sh_offset;
      const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(start + sections[i].sh_offset);
      const std::size_t count = sections[i].sh_size / sizeof(ElfW(Sym));
      for (std::size_t j = 0; j < count; ++j) with(symbols[j], std::string_view(names + symbols[j].st_name));
    }
  }

 private:
  void* memory_ = MAP_FAILED;
  std::size_t bytes_ = 0;
};

// A symbol's type is the lower half of st_info, in both word sizes.
unsigned type_of(const ElfW(Sym) & symbol) {
  return symbol.st_info & 0xfu;
}

std::vector<ThreadLocalVariable> read_thread_local_variables() {
  std::vector<ThreadLocalVariable> found;
  ExecutableFile().for_each_symbol([&](const ElfW(Sym) & symbol, std::string_view name) {
    if (type_of(symbol) == STT_TLS && symbol.st_size != 0) {
      found.push_back({symbol.st_value, symbol.st_size, std::string(name)});
    }
  });
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return found;
}

std::size_t read_static_shared_bytes(const void* kernel) {
  const std::uintptr_t value = reinterpret_cast<std::uintptr_t>(kernel) - loaded().base;
  std::string name;
  ExecutableFile().for_each_symbol([&](const ElfW(Sym) & symbol, std::string_view its_name) {
    if (type_of(symbol) == STT_FUNC && symbol.st_value == value && its_name.starts_with("_Z"))
      name = its_name;
  });
  if (name.empty()) return 0;
  const std::string start = fmt::format("_ZZ{}E", name.substr(2));
  std::size_t bytes = 0;
  for (const ThreadLocalVariable& variable : thread_local_variables()) {
    if (variable.symbol.starts_with(start)) bytes += variable.bytes;
  }
  return bytes;
}

}  // namespace

const std::vector<ThreadLocalVariable>& thread_local_variables() {
  static const std::vector<ThreadLocalVariable> all = read_thread_local_variables();
  return all;
}

ThreadLocalRange thread_local_range() {
  const Loaded now = loaded();
  return {now.thread_local_low, now.thread_local_bytes};
}

namespace detail {

std::size_t static_shared_bytes(const void* kernel) {
  static std::mutex mutex;
  static std::unordered_map<const void*, std::size_t> known;
  const std::lock_guard lock(mutex);
  const auto [place, fresh] = known.try_emplace(kernel, 0);
  if (fresh) place->second = read_static_shared_bytes(kernel);
  return place->second;
}

std::string place_of_code(const std::vector<const void*>& addresses) {
  const std::uintptr_t base = loaded().base;
  char executable[4096];
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof executable);
  if (length <= 0 || std::find(executable, executable + length, '\'') != executable + length) return {};
  std::string command =
      fmt::format("addr2line -i -e '{}'", std::string_view(executable, static_cast<std::size_t>(length)));
  for (const void* address : addresses)
    command += fmt::format(" {:#x}", reinterpret_cast<std::uintptr_t>(address) - base);
  command += " 2>/dev/null";
  std::string answer;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    std::array<char, 4096> piece;
    while (std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
      answer.append(piece.data(), got);
    pclose(pipe);
  }
  for (std::size_t at = 0; at < answer.size();) {
    const std::size_t end = std::min(answer.find('\n', at), answer.size());
    std::string line = answer.substr(at, end - at);
    at = end + 1;
    if (const std::size_t note = line.find(" (discriminator"); note != std::string::npos) line.resize(note);
    const bool known = line.find('?') == std::string::npos && !line.ends_with(":0");
    if (!known) continue;
    line = place_text(line);
    // Not a header of the system's, nor the executor itself: who called it.
    if (!line.starts_with("/usr/") && !line.starts_with("cuda/simt/")) return line;
  }
  return {};
}

}  // namespace detail
}  // namespace rung::simt
