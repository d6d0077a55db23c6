#include "core/checkpoint/byte_reader.h"

#include <bit>

#include "core/error.h"

namespace rung {

// GGUF and safetensors are little-endian, and numbers are copied out of them as they are.
static_assert(std::endian::native == std::endian::little,
              "checkpoints are read on little-endian machines only");

std::span<const std::byte> ByteReader::take(std::uint64_t count, std::string_view what) {
  if (count > remaining()) {
    throw Error(
        ErrorKind::bad_input,
        "{}: the file ends inside {}: {} bytes expected at offset {}, {} left; it is cut off or damaged",
        file_->string(), what, count, offset_, remaining());
  }
  const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(count));
  offset_ += static_cast<std::size_t>(count);
  return taken;
}

std::string_view ByteReader::text(std::string_view what) {
  const auto length = number<std::uint64_t>(what);
  const auto bytes = take(length, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ByteReader::expect(std::uint64_t count, std::uint64_t least_bytes, std::string_view what) const {
  if (count > remaining() / least_bytes) {
    throw Error(ErrorKind::bad_input,
                "{}: claims {} {}, which do not fit in the {} bytes left; it is damaged", file_->string(),
                count, what, remaining());
  }
}

}  // namespace rung
