#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rung::support {

using Bytes = std::vector<std::byte>;

/// Appends the bytes of a number.
template <typename T>
void append(Bytes& bytes, const T& number) {
  bytes.resize(bytes.size() + sizeof(T));
  std::memcpy(bytes.data() + bytes.size() - sizeof(T), &number, sizeof(T));
}

/// The fp32 bytes of numbers.
Bytes f32_bytes(const std::vector<float>& numbers);

/// A GGUF file in parts, which tests change before it is put together.
struct GgufFile {
  struct Entry {
    std::string key;
    Bytes type_and_value;
  };
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> extents;  ///< fastest first
    std::uint32_t type = 0;              ///< ggml's number; 0 is F32
    Bytes data;
    std::optional<std::uint64_t> offset;  ///< a lie; else where the data are
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::vector<Entry> metadata;
  std::vector<Tensor> tensors;
  std::optional<std::uint64_t> tensor_count, entry_count;  ///< lies

  // Set, replace or remove metadata.
  void set(std::string_view key, std::uint32_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, const std::vector<std::string>& values);
  void set(std::string_view key, const std::vector<std::int32_t>& values);
  void set(std::string_view key, const std::vector<float>& values);
  void set_raw(std::string_view key, Bytes type_and_value);
  void remove(std::string_view key);

  Tensor& tensor(std::string_view name);
  void remove_tensor(std::string_view name);

  Bytes bytes() const;
};

/// A safetensors file in parts.
struct SafetensorsFile {
  struct Tensor {
    std::string name;
    std::string dtype = "F32";
    std::vector<std::int64_t> shape;
    Bytes data;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> offsets;  ///< a lie
  };

  std::vector<Tensor> tensors;
  std::optional<std::string> header;           ///< instead of the one that lists the tensors
  std::optional<std::uint64_t> header_length;  ///< a lie

  Tensor& tensor(std::string_view name);
  void remove_tensor(std::string_view name);

  Bytes bytes() const;
};

}  // namespace rung::support
