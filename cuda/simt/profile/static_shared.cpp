#include "cuda/simt/profile/static_shared.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>

namespace rung::simt::profiling {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

std::vector<StaticArray> read_symbols() {
  std::vector<StaticArray> arrays;
  std::ifstream executable("/proc/self/exe", std::ios::binary);
  const std::string file(std::istreambuf_iterator<char>(executable), {});
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(file.data());
  const std::span sections(reinterpret_cast<const ElfW(Shdr)*>(file.data() + header->e_shoff), header->e_shnum);
  for (const ElfW(Shdr) & section : sections) {
    if (section.sh_type != SHT_SYMTAB) {
      continue;
    }
    const std::span symbols(reinterpret_cast<const ElfW(Sym)*>(file.data() + section.sh_offset), section.sh_size / sizeof(ElfW(Sym)));
    const char* names = file.data() + sections[section.sh_link].sh_offset;
    for (const ElfW(Sym) & symbol : symbols) {
      if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS && symbol.st_size != 0) {
        arrays.push_back({.name = demangled(names + symbol.st_name), .begin = symbol.st_value, .bytes = symbol.st_size});
      }
    }
  }
  std::sort(arrays.begin(), arrays.end(), [](const StaticArray& a, const StaticArray& b) { return a.begin < b.begin; });
  return arrays;
}

}  // namespace

const std::vector<StaticArray>& static_arrays() {
  static const std::vector<StaticArray> arrays = read_symbols();
  return arrays;
}

const StaticArray* static_array_at(std::size_t byte) {
  const std::vector<StaticArray>& arrays = static_arrays();
  const auto after = std::upper_bound(arrays.begin(), arrays.end(), byte, [](std::size_t b, const StaticArray& array) { return b < array.begin; });
  return after == arrays.begin() || byte - after[-1].begin >= after[-1].bytes ? nullptr : &after[-1];
}

}  // namespace rung::simt::profiling
