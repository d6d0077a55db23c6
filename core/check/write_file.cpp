#include "core/check/write_file.h"

#include <array>

#include "core/files/whole_file.h"

namespace rung {

void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts) {
  WholeFile file(path);
  for (const auto part : parts) file.append(part);
  file.finish();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(text))};
  write_file(path, parts);
}

}  // namespace rung
