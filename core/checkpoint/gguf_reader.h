#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/mapped_file.h"
#include "core/checkpoint/stored_tensor.h"

namespace rung {

/// Types of metadata values, with the numbers GGUF gives them (ggml/docs/gguf.md).
enum class GgufType : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64,
};

/// A metadata value, still as bytes of the file: nothing is copied until somebody asks for it.
struct GgufValue {
  GgufType type = GgufType::uint8;  ///< of the value, or of an array's elements
  bool is_array = false;
  std::uint64_t count = 1;           ///< elements of an array
  std::span<const std::byte> bytes;  ///< numbers one after the other; strings with their lengths
};

/// The metadata of a GGUF file: typed look-ups whose errors name file and key. Holds views of the file.
class GgufMetadata {
 public:
  /// @param file  what errors name
  explicit GgufMetadata(std::filesystem::path file) : file_(std::move(file)) {}

  /// @return whether the key is new
  bool insert(std::string_view key, const GgufValue& value) { return values_.emplace(key, value).second; }

  /// The file's path.
  const std::filesystem::path& file() const { return file_; }
  /// Whether the key is there.
  bool has(std::string_view key) const { return values_.contains(key); }
  /// All of them by their keys.
  const std::map<std::string_view, GgufValue>& values() const { return values_; }

  // Scalars: nothing when the key is absent.
  /// @throws Error (bad_input) when the value is of another type or does not fit; so do all of these
  std::optional<std::int64_t> integer(std::string_view key) const;  ///< any integer type
  std::optional<double> number(std::string_view key) const;         ///< any integer or floating type
  /// A boolean.
  std::optional<bool> flag(std::string_view key) const;
  /// A string; a view of the file.
  std::optional<std::string_view> text(std::string_view key) const;
  /// As integer(), but the key must be there.
  std::int64_t required_integer(std::string_view key) const;

  /// Elements of an array; 0 when the key is absent.
  std::uint64_t count(std::string_view key) const;
  // Arrays: empty when the key is absent.
  /// An array of strings; views of the file.
  std::vector<std::string_view> texts(std::string_view key) const;
  /// An array of any integer type.
  std::vector<std::int64_t> integers(std::string_view key) const;
  /// An array of float32.
  std::vector<float> floats(std::string_view key) const;

 private:
  const GgufValue* find(std::string_view key) const;
  const GgufValue* find_scalar(std::string_view key) const;
  const GgufValue* find_array(std::string_view key) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view expected, const GgufValue& found) const;

  std::filesystem::path file_;
  std::map<std::string_view, GgufValue> values_;
};

/// What a GGUF file lists: its metadata and its tensors, names and meaning not yet looked at.
struct GgufContents {
  std::uint32_t version = 0;
  GgufMetadata metadata;
  std::vector<StoredTensor> tensors;  ///< shapes slowest first; each inside the file, none overlapping
};

/// Reads the header, the metadata and the tensor list of a GGUF file, versions 2 and 3 (ggml/docs/gguf.md),
/// without touching the tensors' numbers. The result holds views of `file`.
/// @throws Error (bad_input) naming file, and key or tensor
GgufContents read_gguf(const MappedFile& file);

}  // namespace rung
