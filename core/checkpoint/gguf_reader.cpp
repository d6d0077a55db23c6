#include "core/checkpoint/gguf_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include <fmt/format.h>

#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/ggml_types.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

// The least bytes that a metadata entry and a tensor's entry can take: a length and an empty name, then type
// and value; then extents, type and offset.
constexpr std::uint64_t least_entry_bytes = 8 + 4 + 1;
constexpr std::uint64_t least_tensor_bytes = 8 + 4 + 4 + 8;
constexpr std::uint32_t most_extents = 4;  // ggml's own limit
constexpr std::uint64_t default_alignment = 32;
constexpr std::uint64_t largest_alignment = std::uint64_t{1} << 20;

/// Bytes of one number of that type; 0 for strings and arrays.
std::uint64_t number_bytes(GgufType type) {
  constexpr std::array<std::uint64_t, 13> sizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<std::size_t>(type)];
}

GgufType read_type(ByteReader& reader, const MappedFile& file, std::string_view key) {
  const auto number = reader.number<std::uint32_t>("a metadata type");
  if (number > static_cast<std::uint32_t>(GgufType::float64)) {
    throw Error(ErrorKind::bad_input, "{}: metadata {}: {} is not a type of GGUF", file.path().string(),
                printable(key), number);
  }
  return static_cast<GgufType>(number);
}

/// Steps over `count` values, looking at nothing but their sizes.
std::span<const std::byte> skip_values(ByteReader& reader, std::span<const std::byte> file, GgufType type,
                                       std::uint64_t count, std::string_view what) {
  const std::size_t start = reader.offset();
  if (type == GgufType::string) {
    reader.expect(count, 8, what);
    for (std::uint64_t i = 0; i < count; ++i) reader.text(what);
  } else {
    reader.expect(count, number_bytes(type), what);
    reader.take(count * number_bytes(type), what);
  }
  return file.subspan(start, reader.offset() - start);
}

void read_entry(ByteReader& reader, const MappedFile& file, GgufMetadata& metadata) {
  const std::string_view key = reader.text("a metadata key");
  GgufValue value;
  value.type = read_type(reader, file, key);
  if (value.type == GgufType::array) {
    value.is_array = true;
    value.type = read_type(reader, file, key);
    if (value.type == GgufType::array) {
      throw Error(ErrorKind::bad_input, "{}: metadata {}: arrays of arrays are not supported",
                  file.path().string(), printable(key));
    }
    value.count = reader.number<std::uint64_t>("an array's length");
  }
  const std::string what = "metadata " + printable(key);
  value.bytes = skip_values(reader, file.bytes(), value.type, value.count, what);
  if (!metadata.insert(key, value)) {
    throw Error(ErrorKind::bad_input, "{}: {} is there twice", file.path().string(), what);
  }
}

/// A tensor's entry; its offset is still to be added to where the data begin.
struct TensorEntry {
  StoredTensor tensor;
  std::int64_t bytes = 0;
  std::uint64_t offset = 0;
};

TensorEntry read_tensor_entry(ByteReader& reader, const MappedFile& file) {
  TensorEntry entry;
  entry.tensor.name = reader.text("a tensor's name");
  entry.tensor.file = &file;
  const std::string where = entry.tensor.where();
  const auto extents = reader.number<std::uint32_t>("a tensor's number of extents");
  if (extents < 1 || extents > most_extents) {
    throw Error(ErrorKind::bad_input, "{}: has {} extents; expected 1 to {}", where, extents, most_extents);
  }
  Shape& shape = entry.tensor.view.shape;
  for (std::uint32_t i = 0; i < extents; ++i) {
    const auto extent = reader.number<std::uint64_t>("a tensor's extents");
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw Error(ErrorKind::bad_input, "{}: an extent of {} is impossible", where, extent);
    }
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  std::reverse(shape.begin(), shape.end());  // ggml lists the fastest first
  const auto type = reader.number<std::uint32_t>("a tensor's type");
  const auto dtype = dtype_of_ggml(type);
  entry.offset = reader.number<std::uint64_t>("a tensor's offset");
  if (!dtype) {
    entry.tensor.unreadable = fmt::format(
        "type {} is not supported; supported are F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, "
        "Q6_K",
        ggml_type_name(type));
  } else if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    entry.tensor.unreadable = fmt::format("shape {} has an extent below 1", to_string(shape));
  } else {
    entry.tensor.view.dtype = *dtype;
    entry.bytes = stored_bytes(where, *dtype, shape);
  }
  return entry;
}

std::uint64_t read_alignment(const GgufMetadata& metadata) {
  const std::int64_t value =
      metadata.integer("general.alignment").value_or(static_cast<std::int64_t>(default_alignment));
  if (value < 1 || value > static_cast<std::int64_t>(largest_alignment) ||
      !std::has_single_bit(static_cast<std::uint64_t>(value))) {
    throw Error(ErrorKind::bad_input,
                "{}: metadata general.alignment: expected a power of two up to 2^20, found {}",
                metadata.file().string(), value);
  }
  return static_cast<std::uint64_t>(value);
}

/// Finds the entry's bytes in the file's data, which start at `data_start`.
void place(TensorEntry& entry, std::span<const std::byte> data, std::uint64_t alignment) {
  const std::string where = entry.tensor.where();
  if (entry.offset % alignment != 0) {
    throw Error(ErrorKind::bad_input, "{}: offset {} is not a multiple of the alignment {}", where,
                entry.offset, alignment);
  }
  if (entry.offset > data.size() || static_cast<std::uint64_t>(entry.bytes) > data.size() - entry.offset) {
    throw Error(ErrorKind::bad_input,
                "{}: {} bytes at offset {} reach past the {} bytes of data; the file is cut off or damaged",
                where, entry.bytes, entry.offset, data.size());
  }
  entry.tensor.view.bytes =
      data.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.bytes));
}

std::uint32_t read_version(ByteReader& reader, const MappedFile& file) {
  const auto magic = reader.number<std::uint32_t>("the magic number");
  if (magic != 0x46554747) {  // "GGUF"
    throw Error(ErrorKind::bad_input, "{}: is not a GGUF file: it begins with {:#010x}, not with \"GGUF\"",
                file.path().string(), magic);
  }
  const auto version = reader.number<std::uint32_t>("the version");
  if (version == 2 || version == 3) return version;
  const bool swapped = version == 0x02000000 || version == 0x03000000;
  throw Error(ErrorKind::bad_input, "{}: {} is not supported; versions 2 and 3 (little-endian) are",
              file.path().string(),
              swapped ? "a big-endian GGUF file" : "GGUF version " + std::to_string(version));
}

}  // namespace

GgufContents read_gguf(const MappedFile& file) {
  ByteReader reader(file.path(), file.bytes());
  GgufContents contents{
      .version = read_version(reader, file), .metadata = GgufMetadata(file.path()), .tensors = {}};
  const auto tensor_count = reader.number<std::uint64_t>("the number of tensors");
  const auto entry_count = reader.number<std::uint64_t>("the number of metadata entries");
  reader.expect(entry_count, least_entry_bytes, "metadata entries");
  for (std::uint64_t i = 0; i < entry_count; ++i) read_entry(reader, file, contents.metadata);

  reader.expect(tensor_count, least_tensor_bytes, "tensors");
  std::vector<TensorEntry> entries;
  entries.reserve(static_cast<std::size_t>(tensor_count));
  for (std::uint64_t i = 0; i < tensor_count; ++i) entries.push_back(read_tensor_entry(reader, file));

  // The data begin at the next multiple of the alignment; a file without tensors may end before it.
  const std::uint64_t alignment = read_alignment(contents.metadata);
  const std::uint64_t data_start = (reader.offset() + alignment - 1) / alignment * alignment;
  const auto data = file.bytes().subspan(std::min<std::size_t>(data_start, file.bytes().size()));
  contents.tensors.reserve(entries.size());
  for (TensorEntry& entry : entries) {
    place(entry, data, alignment);
    contents.tensors.push_back(std::move(entry.tensor));
  }
  refuse_overlaps(contents.tensors);
  return contents;
}

}  // namespace rung
